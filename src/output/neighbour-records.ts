import { z } from 'zod';
import { NEIGHBOUR_UNITS } from '../plan/neighbour-units.js';
import { unitNumber } from '../plan/stages.js';
import type { Candidates } from '../tables/neighbour-candidates.js';
import { type NeighbourMeasure, neighbourMeasures } from '../tables/neighbour-measures.js';
import { RECORDS_FOLDER } from './done-records.js';
import { partName, partRecordSchema, publishPart, readIntactPart } from './part-file.js';
import type { RunStore } from './run-store.js';
import { readSealedFile, sealedFile } from './seal.js';

const schema = z.object({
  /** SHA-256 (hex) of what is asked for, and of the bytes that it is asked of. */
  request: z.string(),
  k: z.int(),
  measures: z.array(z.enum(neighbourMeasures)),
  /** Number of this unit, and how many there are. */
  unit: z.int().min(0),
  units: z.int().min(1),
  part: partRecordSchema,
  /** Name of the machine that has computed it. */
  host: z.string(),
  /** ISO time of its beginning. */
  started: z.string(),
  seconds: z.number(),
});

/** What a unit of a search for neighbours records of itself. */
export type NeighbourRecord = z.infer<typeof schema>;

/** Unit that has been computed: what was asked for, by whom and when. */
export type ComputedUnit = Omit<NeighbourRecord, 'part'>;

const FOLDER = `${RECORDS_FOLDER}/${NEIGHBOUR_UNITS}`;

function recordName(unit: number): string {
  return `${FOLDER}/${unitNumber(unit)}.json`;
}

/** Candidates that a unit has found, of both of its sides: in the order of the measures. */
export type FoundCandidates = Record<(typeof sides)[number], Candidates[]>;
const sides = ['ofQueries', 'ofRows'] as const;

/** Publishes what a unit has found. */
export function publishCandidates(store: RunStore, computed: ComputedUnit, found: FoundCandidates): void {
  const { unit, request } = computed;
  // Another process may have found as much; the bytes depend on what each has known before.
  if (readCandidates(store, { request, unit }) !== null) return;
  const arrays = sides.flatMap((side) =>
    found[side].flatMap((candidates, m) =>
      Object.entries(candidates).map(([name, array]) => [`${side}.${m}.${name}`, array] as const),
    ),
  );
  const part = publishPart(store, partName({ stage: NEIGHBOUR_UNITS, unit }), Object.fromEntries(arrays));
  const record = sealedFile(schema.parse({ ...computed, part }));
  if (store.publish(recordName(unit), [record]) === 'published') return;
  // Damaged, of another request, or of another process whose part this one has replaced.
  store.remove(recordName(unit));
  store.publish(recordName(unit), [record]);
}

/** Reads what a unit has found; null where it is not done, not for this request, or not as it was recorded. */
export function readCandidates(
  store: RunStore,
  { request, unit }: { request: string; unit: number },
): FoundCandidates | null {
  const record = readRecord(store, unit);
  if (record?.request !== request) return null;
  const arrays = readIntactPart(store, record.part);
  if (arrays === null) return null;
  const ofSide = (side: (typeof sides)[number]) =>
    record.measures.map((_: NeighbourMeasure, m) => ({
      ids: arrays[`${side}.${m}.ids`] as Int32Array,
      scores: arrays[`${side}.${m}.scores`] as Float32Array,
      thresholds: arrays[`${side}.${m}.thresholds`] as Float32Array,
    }));
  return { ofQueries: ofSide('ofQueries'), ofRows: ofSide('ofRows') };
}

/** Numbers of the units of a request that are done, rising, by their records alone. */
export function neighbourUnitsDone(store: RunStore, request: string): number[] {
  return neighbourRecords(store).flatMap((record) => (record.request === request ? [record.unit] : []));
}

/** Records of all units that are done, by whatever request. */
export function neighbourRecords(store: RunStore): NeighbourRecord[] {
  return store.list(FOLDER).flatMap((name) => {
    const [, digits] = /^(\d{5,15})\.json$/.exec(name) ?? [];
    return digits === undefined ? [] : (readRecord(store, Number(digits)) ?? []);
  });
}

function readRecord(store: RunStore, unit: number): NeighbourRecord | null {
  const record = schema.safeParse(readSealedFile(store, recordName(unit))).data;
  return record?.unit === unit ? record : null;
}
