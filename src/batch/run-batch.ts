import path from 'node:path';
import { EigenshardError } from '../errors.js';
import type { Executor } from '../executor/executor.js';
import { explained, failureMessage } from '../files/failure-message.js';
import { HeldElsewhereError } from '../files/wait-for-lock.js';
import type { HubSettings } from '../hub/settings.js';
import { type Backend, backendLabel } from '../linalg/backend/backend.js';
import { chooseBackend } from '../linalg/backend/choose-backend.js';
import type { Manifest } from '../output/manifest.js';
import { coordinateRun } from '../run/coordinator.js';
import { damageOf } from '../run/damage.js';
import type { Progress } from '../run/progress.js';
import { Stopwatch } from '../run/stopwatch.js';
import { formatBytes } from '../text/figures.js';
import { type BatchPlan, folderOf, isPlanned, type PlannedRun, type RefusedRun } from './batch-plan.js';
import { Downloads } from './downloads.js';
import type { Outcome } from './outcome.js';
import { runKey } from './run-folder.js';
import { writeRunRecord } from './run-record.js';

/** Surroundings that a batch needs beside its plan. */
export interface BatchContext {
  executor: Executor;
  progress: Progress;
  hub: HubSettings;
  /** Signal that stops the batch at once. */
  signal: AbortSignal;
}

/**
 * Computes the runs of a plan, one after the other on the same pool and with the same backend, while the next model is
 * being downloaded. Interrupted runs are continued, finished ones recognised. A run that fails is reported, and the
 * others are computed all the same. One that another process has locked is passed over, and looked at once more at the
 * end: by then the other one may have ended without having finished it.
 *
 * @returns an outcome for every run of the plan, in the order of the configuration
 * @throws InputError where the backend asked for cannot be used; whatever the executor throws when `signal` aborts
 */
export async function runBatch(plan: BatchPlan, context: BatchContext): Promise<Outcome[]> {
  const { config, runs } = plan;
  const { progress, signal } = context;
  const planned = runs.filter(isPlanned);
  if (runs.length === 0) return [];
  const backend = await backendOf(config, planned, progress.note);
  const downloads = new Downloads(planned, signal, (run, bytes, seconds) => {
    const rate = formatBytes(bytes / seconds);
    progress.note(`${run.name}: downloaded ${formatBytes(bytes)} in ${seconds.toFixed(1)} s, ${rate}/s`);
  });
  const outcomes = new Map<PlannedRun | RefusedRun, Outcome>();
  const takeUp = async (run: PlannedRun | RefusedRun) => {
    const labelled = labelledProgress(progress, `[${run.index + 1}/${config.runs.length}] ${run.name}: `);
    const outcome = await runOne(run, backend, downloads, { ...context, progress: labelled });
    keepRecord(plan, outcome, labelled.note);
    outcomes.set(run, outcome);
  };
  try {
    for (const run of runs) {
      keepRecord(plan, { status: 'unfinished', run }, progress.note);
      await takeUp(run);
    }
    for (const run of runs) if (outcomes.get(run)?.status === 'computing') await takeUp(run);
  } finally {
    await downloads.settle();
  }
  return runs.map((run) => outcomes.get(run)!);
}

/** Leaves a run's record for the processes that compute other runs; without it they know less, which is no failure. */
function keepRecord({ config, directory }: BatchPlan, outcome: Outcome, note: (line: string) => void): void {
  const { run } = outcome;
  const record = {
    name: run.name,
    folder: folderOf(run),
    problem: outcome.status === 'failed' ? outcome.message : null,
  };
  try {
    writeRunRecord(directory, runKey(config.runs[run.index]!), record);
  } catch (error) {
    note(`its record for other processes cannot be kept: ${failureMessage(error)}`);
  }
}

async function runOne(
  run: PlannedRun | RefusedRun,
  backend: Backend,
  downloads: Downloads,
  context: BatchContext,
): Promise<Outcome> {
  const { progress, signal } = context;
  const started = performance.now();
  try {
    signal.throwIfAborted();
    if (!isPlanned(run)) throw run.problem;
    const { manifest, finishedBefore } = await finish(run, backend, downloads, context);
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    progress.note(finishedBefore ? 'finished before' : `done in ${seconds} s`);
    return { status: 'finished', run, manifest, finishedBefore };
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof HeldElsewhereError) {
      progress.note(`${error.holder} is computing it`);
      return { status: 'computing', run, holder: error.holder };
    }
    const message = failureMessage(error);
    progress.note(`FAILED: ${message}`);
    const failure = explained(error);
    const { kind, isPassing } =
      failure instanceof EigenshardError ? failure : { kind: 'run' as const, isPassing: false };
    return { status: 'failed', run, message, failure: { kind, isPassing } };
  }
}

async function finish(
  run: PlannedRun,
  backend: Backend,
  downloads: Downloads,
  { executor, progress, hub, signal }: BatchContext,
): Promise<{ manifest: Manifest; finishedBefore: boolean }> {
  const context = { executor, stopwatch: new Stopwatch(progress), note: progress.note, hub, signal };
  if (run.state.is === 'finished' && run.state.isCertain) {
    const { manifest } = run.state;
    const problems = await damageOf(manifest, path.resolve(run.config.out), false, context);
    if (problems.length === 0) return { manifest, finishedBefore: true };
  }
  const checkpoint = await downloads.take(run);
  return coordinateRun(run.config, { resume: true, overwrite: false }, context, {
    backend,
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });
}

/** Backend of all runs: that of a run that was interrupted, if there is one, so that it can go on. */
async function backendOf(
  { backend: name, blas }: BatchPlan['config'],
  runs: readonly PlannedRun[],
  note: (line: string) => void,
): Promise<Backend> {
  const [recorded = null] = runs.flatMap(({ state }) => (state.is === 'unfinished' ? [state.backend] : []));
  const backend = await chooseBackend({ backend: name, blas, recorded }, note);
  note(`kernels: ${backendLabel(backend.identity)}`);
  return backend;
}

function labelledProgress({ stage, note }: Progress, label: string): Progress {
  return {
    stage: (name, total, unit) => stage(`${label}${name}`, total, unit),
    note: (line) => note(`${label}${line}`),
  };
}
