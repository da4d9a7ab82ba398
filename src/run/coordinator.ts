import path from 'node:path';
import { EigenshardError, InputError } from '../errors.js';
import { withCleanUp } from '../files/clean-up.js';
import { explained } from '../files/failure-message.js';
import type { Checkpoint } from '../input/checkpoint.js';
import { type Backend, backendLabel } from '../linalg/backend/backend.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import { prepareExports } from '../output/exports.js';
import type { Manifest } from '../output/manifest.js';
import { RunDirectory, type WantedRun } from '../output/run-directory.js';
import { warningsOf } from '../output/warnings.js';
import { admitRun } from './admit-run.js';
import { settleBasis } from './basis.js';
import type { Config } from './config.js';
import type { RunContext } from './context.js';
import { computeCovariance } from './covariance.js';
import { damageOf } from './damage.js';
import { expenseSince } from './expense-since.js';
import { finishRun, plannedExports } from './finish-run.js';
import { intactRecords } from './intact-records.js';
import { withKeptAdditions } from './kept-additions.js';
import type { FormerRun } from './kept-neighbours.js';
import { outputPath } from './output-path.js';
import { filesOfPlan, planOfRun } from './plan-of-run.js';
import { type PreparedRun, prepareRun } from './prepare-run.js';
import { projectAndVerify } from './project-and-verify.js';
import { publishScan, settleIdentity } from './settle-identity.js';
import type { Expense } from './stopwatch.js';
import { makerOf, type UnitRun } from './unit-run.js';

/** A run that lies on disk as a whole. */
export interface FinishedRun {
  /** The output directory, absolute. */
  directory: string;
  /** What the run recorded of itself, as `manifest.json` holds it. */
  manifest: Manifest;
  /** Whether the same run lay there finished, and nothing was computed. */
  finishedBefore: boolean;
  /** What this call took, stage by stage. The manifest has no more of its commit than went before it was written. */
  took: Pick<Expense, 'seconds' | 'elapsedSeconds'>;
}

/** What a caller has already, and uses for several runs or has brought from elsewhere. */
interface GivenInputs {
  backend?: Backend;
  checkpoint?: Checkpoint;
}

/**
 * Takes a run through its stages: input, scan, basis, projection, verification, commit.
 * @param given what the caller has already, and uses for several runs or has brought from elsewhere
 * @throws InputError, RunError, VerificationError; what was computed until then stays for --resume
 */
export async function coordinateRun(
  config: Config,
  flags: { resume: boolean; overwrite: boolean; checksums?: boolean },
  context: RunContext,
  given: GivenInputs = {},
): Promise<FinishedRun> {
  const started = new Date().toISOString();
  context.executor.start();
  const directory = await RunDirectory.open(path.resolve(outputPath(config)), flags, context);
  return withCleanUp(
    async () => {
      try {
        return await goOn(config, directory, flags, { started, context, given });
      } catch (error) {
        const failure = explained(error);
        if (failure instanceof EigenshardError) failure.isResumable = directory.isBegun;
        throw failure;
      }
    },
    () => directory.close(),
  );
}

/** Prepares a run in its directory, and computes what does not lie there intact. */
async function goOn(
  asked: Config,
  directory: RunDirectory,
  flags: { checksums?: boolean },
  { started, context, given }: { started: string; context: RunContext; given: GivenInputs },
): Promise<FinishedRun> {
  const config = withKeptAdditions(asked, directory, context.note);
  const backend = given.backend ?? (await backendOf(config, directory, context));
  const prepared = await prepareRun(config, backend, context, {
    checkpoint: given.checkpoint,
    admit: (candidate) => admitRun(config, candidate, directory),
  });
  const { fingerprint, identity } = prepared;
  const plan = planOfRun(prepared, { directory: directory.path, started });
  const wanted = { fingerprint, identity, plan };
  const finished = directory.finished(wanted, context.note);
  let problems: string[] = [];
  if (finished !== null) {
    refuseOtherBias(directory.path, finished.model.logitBias, prepared);
    problems = await damageOf(finished, directory.path, flags.checksums ?? false, context);
    if (problems.length === 0) return told(directory.path, finished, { before: true }, context);
    directory.reopen(finished, wanted);
  }
  const before = { former: finished, problems };
  const manifest = await computeRun(prepared, { directory, wanted, before, context });
  return told(directory.path, manifest, { before: false }, context);
}

/**
 * The bias of the logits is no part of the fingerprint, as tables are not. A run that has it in its tables keeps it.
 *
 * @param recorded null where there is none, or no tables, or a former version has not recorded it
 * @throws InputError where it is another one by now
 */
function refuseOtherBias(
  directory: string,
  recorded: { tensor: string; sha256: string } | null,
  { logitBias }: Pick<PreparedRun, 'logitBias'>,
): void {
  if (recorded === null || recorded.sha256 === logitBias?.sha256) return;
  throw new InputError(
    `${directory}: the bias of the logits, ${recorded.tensor}, is another one by now than that of the run there. Put the ` +
      'former one there, start again with --overwrite, or choose another --out',
  );
}

/** Notes, at the end of a run, what its figures do not mean. */
function told(
  directory: string,
  manifest: Manifest,
  finished: { before: boolean },
  { note, stopwatch }: RunContext,
): FinishedRun {
  for (const warning of warningsOf(manifest)) note(`warning: ${warning}`);
  const { seconds, elapsedSeconds } = stopwatch.report();
  return { directory, manifest, finishedBefore: finished.before, took: { seconds, elapsedSeconds } };
}

async function backendOf(
  { backend: name, blas }: Config,
  directory: RunDirectory,
  { stopwatch, note }: RunContext,
): Promise<Backend> {
  const wish = { backend: name, blas, recorded: directory.unfinishedBackend() };
  const backend = await stopwatch.time('choice of a backend', undefined, () => chooseBackend(wish, note));
  note(`kernels: ${backendLabel(backend.identity)}`);
  return backend;
}

/** Computes what does not lie there intact, verifies all of it, and commits. */
async function computeRun(
  prepared: PreparedRun,
  {
    directory,
    wanted,
    before,
    context,
  }: {
    directory: RunDirectory;
    wanted: WantedRun;
    before: FormerRun;
    context: RunContext;
  },
): Promise<Manifest> {
  const { backend, scanned, vocabulary, metric } = prepared;
  const { plan, records } = directory.begin(wanted, filesOfPlan(wanted.plan, prepared.plan, directory.path));
  directory.refuseLost();
  refuseOtherBias(directory.path, plan.checkpoint.logitBias ?? null, prepared);
  const { store, lock } = directory;
  const run: UnitRun = { directory: directory.path, plan, store, lock, backend, maker: makerOf(backend) };
  // A place that cannot be written must show before the work, not after it.
  prepareExports(plannedExports(plan, directory.path));
  publishScan(run, scanned);
  const identity = await settleIdentity(run, scanned, context, prepared.weighting ?? undefined);
  const intact = await intactRecords(run, records, context);
  const isToCompute = metric.source === 'computed' && intact.basis === undefined;
  const covariance = isToCompute ? await computeCovariance(run, context) : null;
  const matrix = metric.source === 'file' ? metric.matrix : covariance;
  const basis = await settleBasis(run, { identity, intact: intact.basis, matrix }, context);
  const units = await projectAndVerify(run, { basis, identity, intact }, context);
  directory.refuseLost();
  const results = await finishRun(run, { identity, basis, units, vocabulary, before }, context);
  return context.stopwatch.time('commit', undefined, async () =>
    directory.commit(results, () => executionOf(run, context)),
  );
}

/** How a run went. */
function executionOf(
  { plan, backend: { identity, reason } }: UnitRun,
  context: RunContext,
): Omit<Manifest['execution'], 'records'> {
  return expenseSince(plan.started, context, {
    kernels: identity,
    ...(reason === undefined ? {} : { kernelsReason: reason }),
  });
}
