import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import type { DoneRecord } from '../output/done-records.js';
import { type FailureRecord, failuresOfStage } from '../output/failure-records.js';
import { type NeighbourRecord, neighbourRecords } from '../output/neighbour-records.js';
import { partOfRun } from '../output/part-of-run.js';
import { MANIFEST_NAME } from '../output/run-folders.js';
import { type RunRecords, readRecords, readRecordsFile } from '../output/run-records.js';
import { directoryStore, type RunStore } from '../output/run-store.js';
import { hasAllArrays } from '../output/unit-parts.js';
import { NEIGHBOUR_UNITS } from '../plan/neighbour-units.js';
import type { StageName } from '../plan/stages.js';
import type { WeightingKind } from '../plan/weighting.js';
import type { NeighbourRequest } from './neighbour-options.js';

/** How far a stage of a run is, as its records tell. */
export interface StageStatus {
  name: StageName | typeof NEIGHBOUR_UNITS;
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
  /** What the search asks for that units of neighbours have been computed of; null where there are none. */
  search: NeighbourRequest | null;
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
  const search = isFinished ? lastSearch(store) : [];
  const stages = stagesOfStatus(recorded, isFinished, (stage) => failuresOfStage(store, stage));
  return {
    directory: place,
    isFinished,
    model: { name, rows, hidden },
    weights: plan.weights?.kind ?? 'uniform',
    planned: plan.started,
    stages: search.length === 0 ? stages : [...stages, searchStatus(search)],
    search: search.length === 0 ? null : { k: search[0]!.k, measures: search[0]!.measures },
    processors: [...new Set(records.filter(isOfProducts).map(({ processor }) => processor))].sort(),
  };
}

/** What `isFinished` and no records mean, or neither of them. */
function withoutPlan(directory: string, isFinished: boolean): InputError {
  if (isFinished)
    return new InputError(
      `${directory}: is finished, and keeps no records of its units: it was computed by a former version`,
    );
  return partOfRun(directory) ?? new InputError(`${directory}: no run has been planned or begun there`);
}

function stagesOfStatus(
  { plan, records }: RunRecords,
  isFinished: boolean,
  failuresOf: (stage: StageName) => FailureRecord[],
): StageStatus[] {
  return plan.stages.map(({ name, units }) => {
    const isUsedUp = name === 'covariance' && records.some(({ stage }) => stage === 'basis');
    const done = records.filter((record) => record.stage === name && (isUsedUp || hasAllArrays(record)));
    const numbers = new Set(done.map(({ unit }) => unit));
    // What is made with the manifest has no record of its own.
    const isOver = isFinished && (name === 'finish' || done.length === 0);
    const missing = isOver ? [] : Array.from({ length: units }, (_, k) => k).filter((k) => !numbers.has(k));
    const failures = new Map(
      failuresOf(name)
        .filter((failure) => failure.plan === plan.sha256 && missing.includes(failure.unit))
        .map((failure) => [failure.unit, failure]),
    );
    return { name, units, ...progressOf(units, missing, done), failed: [...failures.values()] };
  });
}

/** Records of the search for neighbours that has computed a unit last; none where there is no such search. */
function lastSearch(store: RunStore): NeighbourRecord[] {
  const records = neighbourRecords(store).sort((a, b) => Date.parse(b.started) - Date.parse(a.started));
  return records.filter(({ request }) => request === records[0]!.request);
}

/** How far a search for neighbours is. Its failures are told to whoever asks for them, and kept nowhere. */
function searchStatus(records: readonly NeighbourRecord[]): StageStatus {
  const { units } = records[0]!;
  const numbers = new Set(records.map(({ unit }) => unit));
  const missing = Array.from({ length: units }, (_, k) => k).filter((k) => !numbers.has(k));
  return { name: NEIGHBOUR_UNITS, units, ...progressOf(units, missing, records), failed: [] };
}

/** What records of units tell of machines and time. */
type Timed = Pick<DoneRecord, 'host' | 'started' | 'seconds'>;

function progressOf(units: number, missing: number[], done: readonly Timed[]) {
  const pace = paceOf(done);
  return {
    done: units - missing.length,
    missing,
    hosts: [...new Set(done.map(({ host }) => host))].sort(),
    seconds: done.reduce((sum, { seconds }) => sum + seconds, 0),
    unitsPerHour: pace === null ? null : pace * 3600,
    secondsLeft: missing.length === 0 ? 0 : pace === null ? null : missing.length / pace,
  };
}

/** Units a second. */
function paceOf(done: readonly Timed[]): number | null {
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
  const all = stages.map((stage) => stage.name).join(', ');
  throw new InputError(`${name}: is no stage of this run; it has ${all}`);
}
