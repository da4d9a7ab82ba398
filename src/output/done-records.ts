import { createHash } from 'node:crypto';
import { z } from 'zod';
import { InputError } from '../errors.js';
import { parseJson } from '../files/json.js';
import { type StageName, stageNames } from '../plan/stages.js';
import { partRecordSchema } from './part-file.js';
import type { RunStore } from './run-store.js';
import { backendSchema, writtenFileSchema } from './schemas.js';

/** Unit of a run, by the name of its stage and its number. */
export interface UnitName {
  stage: StageName;
  unit: number;
}

const schema = z.object({
  stage: z.enum(stageNames),
  unit: z.int().min(0),
  /** SHA-256 (hex) of the plan that it belongs to. */
  plan: z.string(),
  /** Files of the run that it has written. */
  files: z.array(writtenFileSchema),
  /** Arrays that later stages need of it; null where they need none. */
  part: partRecordSchema.nullable(),
  /** What it has found, as its stage says. */
  results: z.record(z.string(), z.unknown()),
  /** What has computed it, and where: the last bits depend on both. */
  kernels: backendSchema,
  processor: z.string(),
  host: z.string(),
  pid: z.int(),
  /** ISO time of its beginning. */
  started: z.string(),
  seconds: z.number(),
});

/**
 * Record of a unit that is done. It is published after the unit's files are in place, so a record that can be read names
 * files that were once complete; whether they still are, their checksums tell.
 */
export type DoneRecord = z.infer<typeof schema>;

const FOLDER = 'done';

/** Name of a unit's record in the store. */
export function recordName({ stage, unit }: UnitName): string {
  return `${FOLDER}/${stage}/${unitNumber(unit)}.json`;
}

/** Number of a unit as names have it: of five digits, or more. */
export function unitNumber(unit: number): string {
  return String(unit).padStart(5, '0');
}

/**
 * Publishes the record of a unit whose files are in place.
 *
 * @returns the record in force: that of another process, which was first, where it names the same bytes
 * @throws InputError where another process has recorded other bytes
 */
export function publishRecord(store: RunStore, record: DoneRecord): DoneRecord {
  const name = recordName(record);
  const text = `${JSON.stringify(schema.parse(record))}\n`;
  if (store.publish(name, [Buffer.from(text)]) === 'published') return record;
  const other = readRecord(store, record);
  if (other === null) {
    throw new InputError(`${name}: was there, and cannot be read. Remove it, and run the same command again`);
  }
  if (bytesOf(other) === bytesOf(record)) return other;
  throw new InputError(
    `${name}: ${other.host} has computed other bytes (${other.processor}) than ${record.host} (${record.processor}). ` +
      'Compute a run on processors of one kind, or start again with --overwrite',
  );
}

/** Reads the record of a unit; null where there is none, or one that is not whole. */
export function readRecord(store: RunStore, name: UnitName): DoneRecord | null {
  const bytes = store.read(recordName(name));
  if (bytes === null) return null;
  try {
    const record = schema.parse(parseJson(Buffer.from(bytes).toString()));
    return record.stage === name.stage && record.unit === name.unit ? record : null;
  } catch {
    // What a file system without hard links has left of a process that was killed.
    return null;
  }
}

/** What two processes must agree on: the bytes that they have made. */
function bytesOf({ files, part, results }: DoneRecord): string {
  return createHash('sha256')
    .update(JSON.stringify([files, part, results]))
    .digest('hex');
}
