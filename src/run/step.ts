import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import pLimit from 'p-limit';
import { EigenshardError, errorOfKind, InputError } from '../errors.js';
import { isInShare, type Share } from '../executor/array-index.js';
import { tellRows } from '../executor/tell-rows.js';
import { explained } from '../files/failure-message.js';
import { withGuard } from '../files/guarded-directory.js';
import { readable } from '../files/readable.js';
import { type DoneRecord, recordName } from '../output/done-records.js';
import { publishFailure } from '../output/failure-records.js';
import { MANIFEST_NAME } from '../output/run-folders.js';
import { refuseOtherPlan } from '../output/run-plan.js';
import { readRecordsFile, recordsOfStage, scannedIdentity } from '../output/run-records.js';
import { hasAllArrays, problemsOf, readIdentityArrays, readScannedRange } from '../output/unit-parts.js';
import { projectionLanes } from '../plan/projection-lanes.js';
import type { Stage, StageName } from '../plan/stages.js';
import { counted, formatBytes } from '../text/figures.js';
import type { RunContext } from './context.js';
import { openSteps, openUnitRun, type StepsDirectory, type UnitOptions } from './open-steps.js';
import { memoryBytes, memoryForCopies } from './peak-memory.js';
import { needsOfRun } from './stage-needs.js';
import { type UnitRun, unitInput, withdrawUnit } from './unit-run.js';

/** What a process has done of a stage. */
export interface StepResult {
  directory: string;
  stage: StageName;
  /** Units of the stage that are this process's share. */
  units: number;
  /** Of these, how many were done before, and how many have been computed now. */
  before: number;
  computed: number;
  /** Whether the run was finished already, and there was nothing to do. */
  isFinished: boolean;
}

/** Options of a step. */
export interface StepOptions extends UnitOptions {
  /** The share of this process; all units where nothing is said. */
  share: Share | null;
  /** Compute and finish although processors differ, whose last bits may. */
  allowMixed: boolean;
  /** SHA-256 (hex) of the plan that is to be computed; whichever lies there where nothing is said. */
  plan?: string | undefined;
}

/** Seconds in which a network file system shows what others have written. */
const PATIENCE_SECONDS = 60;

/**
 * Computes a stage of a planned run, as far as it is this process's share: every unit that has no valid record. One that
 * fails is recorded, and the others are computed all the same. Where others finish the run meanwhile, nothing is left to do.
 *
 * @throws EigenshardError of the worst kind of what failed; InputError where a stage before is not done, or the plan is
 * another one, then or before anything is written
 */
export async function step(
  directory: string,
  stageName: string,
  options: StepOptions,
  context: RunContext,
): Promise<StepResult> {
  const opened = openSteps(directory);
  const { directory: place } = opened;
  refuseUnasked(opened, options.plan);
  if (opened.isFinished) return finishedBefore(place, stageName);
  const { plan, store } = opened;
  const check = () => refuseOtherPlan(store, place, plan.sha256);
  try {
    return await withGuard(place, check, () => stepOf(opened, stageName, options, context));
  } catch (error) {
    if (isFinishedSince(place, plan.sha256)) return finishedBefore(place, stageName);
    throw error;
  }
}

function finishedBefore(directory: string, stage: string): StepResult {
  return { directory, stage: stage as StageName, units: 0, before: 0, computed: 0, isFinished: true };
}

/** Whether others have finished the run of a plan, whatever became of this process. */
function isFinishedSince(directory: string, plan: string): boolean {
  if (!existsSync(path.join(directory, MANIFEST_NAME))) return false;
  return readable(() => readRecordsFile(directory))?.plan.sha256 === plan;
}

/** @throws InputError where the plan is another one than is to be computed */
function refuseUnasked(opened: StepsDirectory, asked: string | undefined): void {
  if (asked === undefined) return;
  const { plan: found } = opened.isFinished ? (readRecordsFile(opened.directory) ?? { plan: null }) : opened;
  const there = found?.sha256;
  if (asked === there) return;
  throw new InputError(
    `${opened.directory}: holds another plan (${there?.slice(0, 12) ?? 'not known'}) than is to be computed ` +
      `(${asked.slice(0, 12)}): the run was planned again since. Submit it again`,
  );
}

async function stepOf(
  opened: Extract<StepsDirectory, { isFinished: false }>,
  stageName: string,
  options: StepOptions,
  context: RunContext,
): Promise<StepResult> {
  const { directory: place, plan, store } = opened;
  const stage = plan.stages.find(({ name }) => name === stageName);
  if (stage === undefined) {
    const names = plan.stages.map(({ name }) => name).join(', ');
    throw new InputError(`${place}: its run has no stage ${stageName}; it has ${names}`);
  }
  const done = recordsOfStage(store, plan, stage.name);
  // What the units of a covariance leave is gone when there is a basis.
  const hasBasis = recordsOfStage(store, plan, 'basis').some((record) => hasItsFiles(place, record));
  const isUsedUp = stage.name === 'covariance' && hasBasis;
  const isValid = (record: DoneRecord) => isUsedUp || hasItsFiles(place, record);
  const valid = new Set(done.filter(isValid).map(({ unit }) => unit));
  const mine = unitsOf(stage, options.share);
  const open = mine.filter((unit) => !valid.has(unit));
  const before = mine.length - open.length;
  const result = { directory: place, stage: stage.name, units: mine.length, before, isFinished: false };
  if (open.length === 0) return { ...result, computed: 0 };
  if (stage.rows !== null) context.executor.start();
  const run = await openUnitRun(opened, options, context.note);
  refuseBeyondMemoryOf(run, stage, context.executor.concurrency);
  await requireStages(run, stage, context);
  refuseMixed(run, options.allowMixed);
  for (const record of done) if (open.includes(record.unit)) withdrawUnit(run, record);
  if (stage.rows === null) await computeOne(run, stage.name, context);
  else await computeStride(run, stage, open, context);
  return { ...result, computed: open.length };
}

/** @throws InputError where the stage, with so many threads, takes more memory than this machine has */
function refuseBeyondMemoryOf({ directory, plan }: UnitRun, { name }: Stage, workers: number): void {
  const needOf = (threads: number) =>
    needsOfRun(plan, threads).find(({ stage }) => stage === name)!.memoryBytes;
  const there = memoryBytes();
  if (needOf(workers) <= there) return;
  const isByThreads = needOf(1) <= there;
  throw new InputError(
    `${directory}: ${name} takes about ${formatBytes(needOf(workers))} of memory with ${counted(workers, 'thread')}, and ` +
      `there are ${formatBytes(there)}; ` +
      (isByThreads
        ? 'give fewer --workers'
        : 'run it on a machine with more, or plan it with fewer --partition-rows'),
  );
}

/** Units of a share: of the verification, those that the next process has computed. */
function unitsOf({ name, units }: Stage, share: Share | null): number[] {
  const all = Array.from({ length: units }, (_, unit) => unit);
  if (share === null) return all;
  const { of, index } = share;
  const shifted = { ...share, index: name === 'verify' ? (index + 1) % of : index };
  return all.filter((unit) => isInShare(shifted, unit));
}

/** Whether the files that a record names are there, at their sizes, with all that this version reads in them. */
function hasItsFiles(directory: string, record: DoneRecord): boolean {
  const { files, part } = record;
  if (!hasAllArrays(record)) return false;
  return [...files, ...(part === null ? [] : [part])].every(({ path: name, bytes }) => {
    const file = path.join(directory, name);
    return existsSync(file) && statSync(file).size === bytes;
  });
}

/** @throws InputError where a stage before is not done, also after what a network takes to show it */
async function requireStages(run: UnitRun, stage: Stage, { note }: RunContext): Promise<void> {
  const { plan, store, directory } = run;
  // What is needed directly must still be there; what a stage before that has left may be used up.
  const doneOf = (name: StageName) =>
    recordsOfStage(store, plan, name).filter(
      (record) => !stage.after.includes(name) || hasItsFiles(directory, record),
    );
  const missing = () => {
    const before = plan.stages.slice(0, plan.stages.indexOf(stage));
    return before.find(({ name, units }) => doneOf(name).length < units);
  };
  const first = missing();
  if (first === undefined) return;
  if (doneOf(first.name).length > 0) {
    note(`waiting up to ${PATIENCE_SECONDS} s for records of ${first.name}`);
    for (let seconds = 0; seconds < PATIENCE_SECONDS && missing() !== undefined; seconds++)
      await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const still = missing();
  if (still === undefined) return;
  const there = doneOf(still.name).length;
  throw new InputError(
    `${directory}: ${stage.name} needs all of ${still.name}, of which ${there} of ${counted(still.units, 'unit')} are ` +
      `done: \`eigenshard step ${directory} ${still.name}\` computes the others, and \`eigenshard status\` shows what failed`,
  );
}

/** @throws InputError where another kind of processor has computed units of the run */
function refuseMixed({ directory, plan, store, maker }: UnitRun, allowMixed: boolean): void {
  if (allowMixed) return;
  const computed = ['covariance', 'basis', 'project'] as const;
  for (const name of computed) {
    const other = recordsOfStage(store, plan, name).find(({ processor }) => processor !== maker.processor);
    if (other === undefined) continue;
    throw new InputError(
      `${directory}: ${name} was computed on ${other.host}, on another processor (${other.processor}) than that of ` +
        `${maker.host} (${maker.processor}), whose last bits differ. Use machines of one kind, or give --allow-mixed`,
    );
  }
}

/** Computes a stage of one unit, on all cores. Each loads what it does: a process computes one stage, and begins the sooner. */
async function computeOne(run: UnitRun, stage: StageName, context: RunContext): Promise<void> {
  const { plan, store } = run;
  try {
    switch (stage) {
      case 'identity': {
        const { settleIdentity } = await import('./settle-identity.js');
        const scanned = recordsOfStage(store, plan, 'scan').map((record) => readScannedRange(store, record));
        await context.stopwatch.time('identity', undefined, () => settleIdentity(run, scanned, context));
        return;
      }
      case 'basis': {
        const { settleBasis } = await import('./basis.js');
        const [record] = recordsOfStage(store, plan, 'identity') as [DoneRecord];
        const { fingerprint } = scannedIdentity([record])!;
        const { mean, weights = null } = readIdentityArrays(store, record);
        const identity = { fingerprint, scan: { mean }, weights };
        const inputs = { identity, intact: undefined, matrix: null };
        await settleBasis(run, inputs, context);
        return;
      }
      default: {
        const { finishSteps } = await import('./finish-steps.js');
        await finishSteps(run, context);
      }
    }
  } catch (error) {
    const failure = explained(error);
    if (failure instanceof EigenshardError && failure.kind !== 'interrupted')
      recordFailure(run, stage, 0, failure);
    throw failure;
  }
}

/** Computes units on the pool; one that fails does not end the others. */
async function computeStride(
  run: UnitRun,
  stage: Stage,
  units: readonly number[],
  { executor, stopwatch }: RunContext,
): Promise<void> {
  const total = units.reduce((sum, unit) => sum + stage.rows![unit]!, 0);
  const failures: { unit: number; failure: EigenshardError }[] = [];
  await stopwatch.time(stage.name, total, async (advance) => {
    const telling = tellRows(executor, advance);
    const { hidden } = run.plan.units;
    const { concurrency } = executor;
    const { lanes, threads } =
      stage.name === 'project'
        ? projectionLanes(hidden, concurrency, memoryForCopies(run.plan.choice))
        : { lanes: concurrency, threads: 1 };
    await pLimit(lanes).map(units, async (unit) => {
      try {
        const input = unitInput(run, { stage: stage.name, unit }, threads);
        refuseProblems(run, await telling.run('unit', input));
      } catch (error) {
        const failure = explained(error);
        if (!(failure instanceof EigenshardError)) throw failure;
        failures.push({ unit, failure });
        if (failure.kind !== 'interrupted') recordFailure(run, stage.name, unit, failure);
      }
    });
  });
  if (failures.length > 0) throw failureOf(run, stage, failures);
}

/** @throws VerificationError where a partition is not what was recorded; it is withdrawn, so that it is made again */
function refuseProblems(run: UnitRun, record: DoneRecord): void {
  const problems = problemsOf(record);
  if (problems.length === 0) return;
  withdrawUnit(run, { stage: 'project', unit: record.unit });
  throw errorOfKind(
    'verification',
    `${problems.join('\n')}\nIts record is withdrawn: \`eigenshard step ${run.directory} project\` makes it again, then verify`,
  );
}

/** Records a failure where it can: on a disk that is full, or of a plan that was replaced, its message alone is to tell. */
function recordFailure(
  run: UnitRun,
  stage: StageName,
  unit: number,
  { message, isPassing }: EigenshardError,
): void {
  try {
    publishFailure(run.store, { stage, unit, plan: run.plan.sha256, message, isPassing });
  } catch (error) {
    if (!(explained(error) instanceof EigenshardError)) throw error;
  }
}

/** One failure for several: interrupted where one was, else of the first that lasts, else passing. */
function failureOf(
  run: UnitRun,
  stage: Stage,
  failures: readonly { unit: number; failure: EigenshardError }[],
): EigenshardError {
  const worst =
    failures.find(({ failure }) => failure.kind === 'interrupted') ??
    failures.find(({ failure }) => !failure.isPassing) ??
    failures[0]!;
  if (worst.failure.kind === 'interrupted') return worst.failure;
  const lines = failures
    .toSorted((a, b) => a.unit - b.unit)
    .map(({ unit, failure }) => `${recordName({ stage: stage.name, unit })}: ${failure.message}`);
  const message =
    `${run.directory}: ${counted(failures.length, 'unit')} of ${stage.name} failed; those that did not are done:\n` +
    lines.join('\n');
  const failure = errorOfKind(worst.failure.kind, message, { cause: worst.failure });
  failure.isPassing = worst.failure.isPassing;
  return failure;
}
