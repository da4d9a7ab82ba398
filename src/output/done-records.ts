import { createHash } from 'node:crypto';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { stageNames, type UnitName, unitNumber } from '../plan/stages.js';
import { partRecordSchema } from './part-file.js';
import type { RunStore } from './run-store.js';
import { backendSchema, fileRecordSchema, writtenFileSchema } from './schemas.js';
import { readSealedFile, sealedFile, sealedLine, unsealedLine } from './seal.js';

const makerSchema = z.object({
  /** What has computed it: the last bits depend on both. */
  kernels: backendSchema,
  processor: z.string(),
  host: z.string(),
  pid: z.int(),
  /** Scheduler that started the process, with its names for it; null where there is none. */
  scheduler: z
    .object({ name: z.string(), job: z.string(), task: z.string().nullable(), restarts: z.number() })
    .nullable(),
});

/** Who computes a unit, with what, and where. */
export type Maker = z.infer<typeof makerSchema>;

const schema = makerSchema.extend({
  stage: z.enum(stageNames),
  unit: z.int().min(0),
  /** SHA-256 (hex) of the plan that it belongs to. */
  plan: z.string(),
  /** Files of the run that it has written. */
  files: z.array(z.union([fileRecordSchema, writtenFileSchema])),
  /** Arrays that later stages need of it; null where they need none. */
  part: partRecordSchema.nullable(),
  /** What it has found, as its stage says. */
  results: z.record(z.string(), z.unknown()),
  /** Whether a Parquet file of it went past the file cache: how it was written, not what. */
  isUncached: z.boolean().optional(),
  /** ISO time of its beginning. */
  started: z.string(),
  seconds: z.number(),
});

/**
 * Record of a unit that is done. It is published after the unit's files are in place, so a record that can be read names
 * files that were once complete; whether they still are, their checksums tell.
 */
export type DoneRecord = z.infer<typeof schema>;

/** Folder of the records in a run's directory. */
export const RECORDS_FOLDER = 'done';

/** Name of a unit's record in the store. */
export function recordName({ stage, unit }: UnitName): string {
  return `${RECORDS_FOLDER}/${stage}/${unitNumber(unit)}.json`;
}

/** Writes a record as one line of JSON, without a line feed. */
export function recordLine(record: DoneRecord): string {
  return sealedLine(schema.parse(record));
}

/** Parses the line of a record; null where it is damaged. */
export function parseRecord(line: string): DoneRecord | null {
  return schema.safeParse(unsealedLine(line)).data ?? null;
}

/**
 * Publishes the record of a unit whose files are in place.
 *
 * @returns the record in force: that of another process, which was first, where it names the same bytes
 * @throws InputError where another process has recorded other bytes
 */
export function publishRecord(store: RunStore, record: DoneRecord): DoneRecord {
  const name = recordName(record);
  const publish = () => store.publish(name, [sealedFile(schema.parse(record))]);
  if (publish() === 'published') return record;
  let other = readRecord(store, record);
  if (other === null || other.plan !== record.plan) {
    // Damaged, or what a file system without hard links has left of a process that was killed, or of a former plan.
    store.remove(name);
    if (publish() === 'published') return record;
    other = readRecord(store, record);
  }
  if (other !== null && bytesOf(other) === bytesOf(record)) return other;
  throw new InputError(
    `${name}: ${other?.host} has computed other bytes (${other?.processor}) than ${record.host} (${record.processor}). ` +
      'Compute a run on processors of one kind, or start again with --overwrite',
  );
}

/** Reads the record of a unit; null where there is none, or one that is not whole. */
export function readRecord(store: RunStore, name: UnitName): DoneRecord | null {
  const record = schema.safeParse(readSealedFile(store, recordName(name))).data;
  return record?.stage === name.stage && record.unit === name.unit ? record : null;
}

/** What two processes must agree on: the bytes that they have made. */
function bytesOf({ plan, files, part, results }: DoneRecord): string {
  return createHash('sha256')
    .update(JSON.stringify([plan, files, part, results]))
    .digest('hex');
}
