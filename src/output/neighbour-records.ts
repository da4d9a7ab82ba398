import { z } from 'zod';
import { NEIGHBOUR_UNITS } from '../plan/neighbour-units.js';
import { unitNumber } from '../plan/stages.js';
import { RECORDS_FOLDER } from './done-records.js';
import { isPartIntact, partName, partRecordSchema, publishPart, readPart } from './part-file.js';
import type { RunStore } from './run-store.js';
import { sealedLine, unsealedLine } from './seal.js';

const schema = z.object({
  /** SHA-256 (hex) of what is asked for, and of the bytes that it is asked of. */
  request: z.string(),
  unit: z.int().min(0),
  part: partRecordSchema,
});

/** Lists of one measure, as a unit leaves them. */
interface UnitLists {
  ids: Int32Array;
  values: Float64Array;
}

function recordName(unit: number): string {
  return `${RECORDS_FOLDER}/${NEIGHBOUR_UNITS}/${unitNumber(unit)}.json`;
}

/** Publishes what a unit has found: lists of every measure, in their order. */
export function publishNeighbours(
  store: RunStore,
  { request, unit }: { request: string; unit: number },
  lists: readonly UnitLists[],
): void {
  const arrays = lists.flatMap(({ ids, values }, m) => [
    [`ids.${m}`, ids] as const,
    [`values.${m}`, values] as const,
  ]);
  const part = publishPart(store, partName({ stage: NEIGHBOUR_UNITS, unit }), Object.fromEntries(arrays));
  const line = Buffer.from(`${sealedLine(schema.parse({ request, unit, part }))}\n`);
  if (store.publish(recordName(unit), [line]) === 'published') return;
  // Damaged, or of another request.
  store.remove(recordName(unit));
  store.publish(recordName(unit), [line]);
}

/** Reads what a unit has found; null where it is not done, not for this request, or not as it was recorded. */
export function readNeighbours(
  store: RunStore,
  { request, unit }: { request: string; unit: number },
): UnitLists[] | null {
  const bytes = store.read(recordName(unit));
  if (bytes === null) return null;
  const record = schema.safeParse(unsealedLine(Buffer.from(bytes).toString().trimEnd())).data;
  if (record?.request !== request || record.unit !== unit || !isPartIntact(store, record.part)) return null;
  const arrays = readPart(store, record.part);
  return Array.from({ length: record.part.arrays.length / 2 }, (_, m) => ({
    ids: arrays[`ids.${m}`] as Int32Array,
    values: arrays[`values.${m}`] as Float64Array,
  }));
}
