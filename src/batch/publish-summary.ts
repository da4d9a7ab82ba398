import path from 'node:path';
import { withCleanUp } from '../files/clean-up.js';
import { makeDirectory } from '../files/make-directory.js';
import { type LockContext, waitForLock } from '../files/wait-for-lock.js';
import { SUMMARY_NAME } from './batch-config.js';
import type { BatchPlan } from './batch-plan.js';
import { refuseForeignSummary, writeBatchSummary } from './batch-summary.js';
import { foundOutcome } from './found-outcome.js';
import type { Outcome } from './outcome.js';

/**
 * Writes the summary of all runs of a batch: of those of this process by what came of them, of the others by what lies
 * on disk. Processes that end at once do it one after the other, and the last one has seen what all of them did.
 *
 * @param own outcomes of the runs of the plan
 * @returns the file, and the outcomes of all runs, in the order of the configuration
 */
export async function publishSummary(
  { config, directory }: BatchPlan,
  own: readonly Outcome[],
  context: LockContext,
): Promise<{ file: string; outcomes: Outcome[] }> {
  makeDirectory(directory);
  const lock = await waitForLock(
    path.join(directory, `.${SUMMARY_NAME}.lock`),
    'it writes the summary of the batch',
    context,
  );
  return withCleanUp(
    async () => {
      // What another process had locked may be finished by now.
      const ended = own.filter(({ status }) => status !== 'computing');
      const known = new Map(ended.map((outcome) => [outcome.run.index, outcome]));
      const outcomes = config.runs.map((_, index) => known.get(index) ?? foundOutcome(config, index));
      lock.check();
      refuseForeignSummary(directory);
      return { file: writeBatchSummary(directory, outcomes), outcomes };
    },
    () => lock.release(),
  );
}
