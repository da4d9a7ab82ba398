import type { UnitName } from '../plan/stages.js';
import type { DoneRecord, Maker } from './done-records.js';
import { partName, publishPart } from './part-file.js';
import type { RunStore } from './run-store.js';
import type { UnitFindings } from './unit-parts.js';

/** Where a unit is recorded, and who has computed it. */
export interface UnitRecorder {
  store: RunStore;
  /** SHA-256 (hex) of the plan. */
  plan: string;
  maker: Maker;
}

/**
 * Publishes what a unit leaves for later stages, and puts its record together, which is to be published after it.
 *
 * @param started when the unit began, as Date.now() gives it
 */
export function recordUnit(
  { store, plan, maker }: UnitRecorder,
  name: UnitName,
  { files, part, results, isUncached }: UnitFindings,
  started: number,
): DoneRecord {
  return {
    ...name,
    ...maker,
    plan,
    files,
    part: part === null ? null : publishPart(store, partName(name), part),
    results,
    isUncached,
    started: new Date(started).toISOString(),
    seconds: (Date.now() - started) / 1000,
  };
}
