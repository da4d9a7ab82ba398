import { existsSync } from 'node:fs';
import { InputError } from '../errors.js';
import { withCleanUp } from '../files/clean-up.js';
import { mergeScans } from '../input/scan.js';
import type { DoneRecord } from '../output/done-records.js';
import { exportName, unfinishedName } from '../output/exports.js';
import type { Manifest } from '../output/manifest.js';
import { RunDirectory } from '../output/run-directory.js';
import { refuseOtherPlan } from '../output/run-plan.js';
import { recordsOfStage, scannedIdentity } from '../output/run-records.js';
import { readIdentityArrays, readScannedRange } from '../output/unit-parts.js';
import { readVocabulary } from '../tables/vocabulary.js';
import { settleBasis } from './basis.js';
import type { RunContext } from './context.js';
import { finishRun, plannedExports } from './finish-run.js';
import type { UnitRun } from './unit-run.js';
import { VerifiedUnits } from './verified-units.js';

/** A run that is computed in steps is a new one. */
const NEW_RUN = { former: null, problems: [] };

/**
 * Finishes a run that was computed in steps, under the lock of its directory: merges what the units have left, and commits.
 *
 * @throws VerificationError where a check fails
 */
export async function finishSteps(unlocked: UnitRun, context: RunContext): Promise<void> {
  const { plan } = unlocked;
  const directory = await RunDirectory.open(unlocked.directory, { resume: true, overwrite: false }, context);
  await withCleanUp(
    async () => {
      const run: UnitRun = { ...unlocked, store: directory.store, lock: directory.lock };
      // While this process waited for the lock, another one may have finished.
      refuseOtherPlan(run.store, run.directory, plan.sha256);
      refuseForeignExports(run);
      const records = plan.stages.flatMap(({ name }) => recordsOfStage(run.store, plan, name));
      const of = (stage: DoneRecord['stage']) => records.filter((record) => record.stage === stage);
      const scanned = of('scan').map((record) => readScannedRange(run.store, record));
      const { contentSha256, fingerprint } = scannedIdentity(of('identity'))!;
      const { weights = null, ...means } = readIdentityArrays(run.store, of('identity')[0]!);
      // Of weighed rows the scan does not tell the means.
      const scan = { ...mergeScans(scanned, { ...plan.checkpoint.source, rows: plan.units.rows }), ...means };
      const identity = {
        fingerprint,
        scan,
        weights,
        identity: { ...plan.identity, model: { ...plan.identity.model, contentSha256 } },
      };
      const basis = await settleBasis(run, { identity, intact: of('basis')[0], matrix: null }, context);
      const units = new VerifiedUnits(run, basis, identity);
      await context.stopwatch.time('merge', undefined, async () => {
        for (const record of of('verify')) units.add(record);
      });
      const vocabulary =
        plan.identity.tables === null ? null : await readVocabulary(plan.checkpoint.path, plan.units.rows);
      const found = { identity, basis, units, vocabulary, before: NEW_RUN };
      const results = await finishRun(run, found, context);
      await context.stopwatch.time('commit', undefined, async () =>
        directory.commit(results, () => executionOfSteps(run, records, context)),
      );
    },
    () => directory.close(),
  );
}

/** A plan may come from anywhere: outside of the run's directory, an export is only made where there is nothing yet. */
function refuseForeignExports({ directory, plan }: UnitRun): void {
  const foreign = plannedExports(plan, directory)
    .filter(({ path: file }) => exportName(directory, file) === file)
    .find(({ path: file }) => existsSync(file) || existsSync(unfinishedName(file)));
  if (foreign === undefined) return;
  throw new InputError(
    `${foreign.path}: exists, and the run in ${directory} would write an export there. Move it away, then finish again`,
  );
}

/** How a run went that was computed in steps: seconds of a stage are those of all its units together. */
function executionOfSteps(
  { plan, backend }: UnitRun,
  records: readonly DoneRecord[],
  { executor, stopwatch }: RunContext,
): Omit<Manifest['execution'], 'records'> {
  const { seconds: here, ...expense } = stopwatch.report();
  const seconds: Record<string, number> = {};
  for (const { stage, seconds: spent } of records) seconds[stage] = (seconds[stage] ?? 0) + spent;
  const now = new Date();
  return {
    started: plan.started,
    finished: now.toISOString(),
    workers: executor.concurrency,
    kernels: backend.identity,
    ...(backend.reason === undefined ? {} : { kernelsReason: backend.reason }),
    ...expense,
    seconds: { ...seconds, ...here },
    elapsedSeconds: (now.getTime() - new Date(plan.started).getTime()) / 1000,
    hosts: [...new Set(records.map(({ host }) => host))].sort(),
  };
}
