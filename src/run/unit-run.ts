import { hostname } from 'node:os';
import { type Executor, runTasks } from '../executor/executor.js';
import type { UnitInput } from '../executor/tasks.js';
import { tellRows } from '../executor/tell-rows.js';
import type { LockClaim } from '../files/lock-file.js';
import type { Backend } from '../linalg/backend/backend.js';
import { processorClass } from '../linalg/backend/processor-class.js';
import { type DoneRecord, type Maker, publishRecord, recordName } from '../output/done-records.js';
import { partName } from '../output/part-file.js';
import { recordUnit } from '../output/record-unit.js';
import type { RunPlan } from '../output/run-plan.js';
import type { RunStore } from '../output/run-store.js';
import type { UnitFindings } from '../output/unit-parts.js';
import type { StageName, UnitName } from '../plan/stages.js';

/** A run whose plan lies in its directory, of which units are computed. */
export interface UnitRun {
  /** Absolute. */
  directory: string;
  /** As it lies there, but that its inputs may have been found elsewhere since. */
  plan: RunPlan;
  store: RunStore;
  /** Lock of the directory; null where nobody locks it, and others compute as well. */
  lock: LockClaim | null;
  backend: Backend;
  /** Who computes. */
  maker: Maker;
}

/** Says who computes with a backend, on this machine. */
export function makerOf(backend: Backend, scheduler: Maker['scheduler'] = null): Maker {
  return {
    kernels: backend.identity,
    processor: processorClass(),
    host: hostname(),
    pid: process.pid,
    scheduler,
  };
}

/**
 * Computes units of a stage on the pool.
 *
 * @param onRows is told how many rows are done
 * @param onRecord sees the record of each unit as it comes, in any order
 */
export async function computeUnits(
  run: UnitRun,
  { stage, units }: { stage: StageName; units: readonly number[] },
  { executor, onRows }: { executor: Executor; onRows: (rows: number) => void },
  onRecord: (record: DoneRecord) => void = () => {},
): Promise<void> {
  const inputs = units.map((unit) => unitInput(run, { stage, unit }));
  await runTasks(tellRows(executor, onRows), 'unit', inputs, onRecord);
}

/** What a thread needs to compute a unit. @param threads those of its products */
export function unitInput(
  { directory, plan, lock, maker }: UnitRun,
  { stage, unit }: UnitName,
  threads = 1,
): UnitInput {
  const count = plan.stages.find(({ name }) => name === stage)?.rows?.[unit] ?? 0;
  const { source } = plan.checkpoint;
  return { directory, plan: plan.sha256, lock, maker, source, stage, unit, threads, rows: { count } };
}

/** Publishes what this thread has computed as a unit. @param started when it began, as Date.now() gives it */
export function publishUnit(
  { plan, store, maker }: UnitRun,
  name: UnitName,
  findings: UnitFindings,
  started: number,
): DoneRecord {
  return publishRecord(store, recordUnit({ store, maker, plan: plan.sha256 }, name, findings, started));
}

/** Withdraws what a record says and what it has left for later stages, so that the unit is computed again. */
export function withdrawUnit({ store }: Pick<UnitRun, 'store'>, name: UnitName): void {
  store.remove(recordName(name));
  store.remove(partName(name));
}
