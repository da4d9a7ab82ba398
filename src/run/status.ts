import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import type { DoneRecord } from '../output/done-records.js';
import { type FailureRecord, failuresOfStage } from '../output/failure-records.js';
import { MANIFEST_NAME } from '../output/run-folders.js';
import { type RunRecords, readRecords, readRecordsFile } from '../output/run-records.js';
import { directoryStore } from '../output/run-store.js';
import { type StageName, stageNames } from '../plan/stages.js';
import type { WeightingKind } from '../plan/weighting.js';

/** How far a stage of a run is, as its records tell. */
export interface StageStatus {
  name: StageName;
  units: number;
  done: number;
  /** Numbers of the units that are not done. */
  missing: number[];
  /** The last failure of each unit that is not done, where there was one. */
  failed: FailureRecord[];
  /** Names of the machines that have done units. */
  hosts: string[];
  /** Seconds of all units together. */
  seconds: number;
  /** Units an hour, from the beginning of the first to the end of the last; null before there are any. */
  unitsPerHour: number | null;
  /** Seconds until the stage is done, if it goes on at that pace; null where that is not known. */
  secondsLeft: number | null;
}

/** How far a run is. */
export interface RunStatus {
  /** Absolute. */
  directory: string;
  /** Whether the run is finished: its manifest stands. */
  isFinished: boolean;
  /** What the model is called, V and d. */
  model: { name: string; rows: number; hidden: number };
  /** How the rows are weighed: 'uniform', 'counts', ... */
  weights: WeightingKind;
  /** ISO time of the plan. */
  planned: string;
  stages: StageStatus[];
  /** Classes of the processors that have computed; results of several differ in their last bits. */
  processors: string[];
}

/**
 * Tells how far a run is, from its records alone: nothing is asked of a scheduler.
 *
 * @throws InputError where no run has been planned or begun
 */
export function statusOf(directory: string): RunStatus {
  const place = path.resolve(directory);
  const store = directoryStore(place, { durable: false, lock: null });
  const isFinished = existsSync(path.join(place, MANIFEST_NAME));
  const recorded = readRecords(store, place) ?? readRecordsFile(place);
  if (recorded === null) throw withoutPlan(directory, isFinished);
  const { plan, records } = recorded;
  const { name, rows, hidden } = plan.identity.model;
  return {
    directory: place,
    isFinished,
    model: { name, rows, hidden },
    weights: plan.weights?.kind ?? 'uniform',
    planned: plan.started,
    stages: stagesOfStatus(recorded, isFinished, (stage) => failuresOfStage(store, stage)),
    processors: [...new Set(records.filter(isOfProducts).map(({ processor }) => processor))].sort(),
  };
}

/** What `isFinished` and no records mean, or neither of them. */
function withoutPlan(directory: string, isFinished: boolean): InputError {
  return new InputError(
    isFinished
      ? `${directory}: is finished, and keeps no records of its units: it was computed by a former version`
      : `${directory}: no run has been planned or begun there`,
  );
}

function stagesOfStatus(
  { plan, records }: RunRecords,
  isFinished: boolean,
  failuresOf: (stage: StageName) => FailureRecord[],
): StageStatus[] {
  return plan.stages.map(({ name, units }) => {
    const done = records.filter(({ stage }) => stage === name);
    const numbers = new Set(done.map(({ unit }) => unit));
    // What is made with the manifest has no record of its own.
    const isOver = isFinished && (name === 'finish' || done.length === 0);
    const missing = isOver ? [] : Array.from({ length: units }, (_, k) => k).filter((k) => !numbers.has(k));
    const failures = new Map(
      failuresOf(name)
        .filter((failure) => failure.plan === plan.sha256 && missing.includes(failure.unit))
        .map((failure) => [failure.unit, failure]),
    );
    const pace = paceOf(done);
    return {
      name,
      units,
      done: units - missing.length,
      missing,
      failed: [...failures.values()],
      hosts: [...new Set(done.map(({ host }) => host))].sort(),
      seconds: done.reduce((sum, { seconds }) => sum + seconds, 0),
      unitsPerHour: pace === null ? null : pace * 3600,
      secondsLeft: missing.length === 0 ? 0 : pace === null ? null : missing.length / pace,
    };
  });
}

/** Units a second. */
function paceOf(done: readonly DoneRecord[]): number | null {
  if (done.length === 0) return null;
  const begins = done.map(({ started }) => Date.parse(started) / 1000);
  const ends = done.map(({ seconds }, k) => begins[k]! + seconds);
  const span = ends.reduce((a, b) => Math.max(a, b)) - begins.reduce((a, b) => Math.min(a, b));
  return span > 0 ? done.length / span : null;
}

function isOfProducts({ stage }: DoneRecord): boolean {
  return stage === 'covariance' || stage === 'basis' || stage === 'project';
}

/** Name of a stage that a user has typed. @throws InputError that lists those of the run */
export function stageOfStatus({ stages }: RunStatus, name: string): StageStatus {
  const found = stages.find((stage) => stage.name === name);
  if (found !== undefined) return found;
  const all = stageNames.filter((one) => stages.some((stage) => stage.name === one));
  throw new InputError(`${name}: is no stage of this run; it has ${all.join(', ')}`);
}
