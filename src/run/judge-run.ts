import { mergeMeasurements } from '../checks/measurements.js';
import type { Verification } from '../checks/verdict.js';
import { VerificationError } from '../errors.js';
import type { Executor } from '../executor/executor.js';
import type { VerifiedFile } from '../files/file-record.js';
import { figure } from '../text/figures.js';
import { type JudgedRun, type Judgement, judgeMeasurements } from './judge-measurements.js';
import { type MeasuredRun, measurePartitions } from './measure-partitions.js';

/** What the verification of a run found. */
export interface VerificationResult extends Judgement {
  /** Of each partition, in order. */
  files: VerifiedFile[][];
}

/** Re-reads every partition and the checkpoint on the pool, and judges identities 2 to 6. */
export async function judgeRun(
  executor: Executor,
  options: MeasuredRun &
    Omit<JudgedRun, 'hasCheckpoint' | 'weights'> & {
      /** What is wrong with the other files of the run, in words. */
      otherProblems: Promise<readonly string[]>;
    },
  onRows: (rows: number) => void,
): Promise<VerificationResult> {
  const parts = await measurePartitions(executor, options, onRows);
  const measured = mergeMeasurements(parts);
  measured.problems.unshift(...(await options.otherProblems));
  const judged = judgeMeasurements(measured, {
    ...options,
    hasCheckpoint: options.source !== null,
    weights: options.weighing?.weights ?? null,
  });
  return { files: parts.map(({ files }) => files), ...judged };
}

/** What to do with a run that has just been computed and does not pass its checks. */
export const FAILURE_ADVICE =
  'the same command with --resume makes again what the disk did not keep; if that fails too, compare with --backend portable';

/**
 * Ends the work on a run whose checks failed.
 *
 * @param next what to do then
 * @throws VerificationError with the figures of every failed check, where there is one
 */
export function refuseFailed(directory: string, checks: Verification['checks'], next: string): void {
  const failed = checks.filter(({ verdict }) => verdict === 'failed');
  if (failed.length === 0) return;
  const lines = failed.map(({ name, measured, tolerance, detail }) => {
    const figures = `${name}: ${figure(measured ?? Number.NaN)} is beyond ${figure(tolerance ?? Number.NaN)}`;
    return detail === undefined ? figures : `${figures}\n${detail}`;
  });
  throw new VerificationError(`${directory}: verification failed:\n${lines.join('\n')}\n${next}`);
}
