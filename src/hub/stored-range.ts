import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { hashFile } from '../files/hash-file.js';
import { namesIn } from '../files/names-in.js';
import { writeFileAtomically } from '../files/partial-file.js';

const recordSchema = z.object({
  format: z.literal('eigenshard-hub-range'),
  repository: z.string(),
  commit: z.string(),
  file: z.string(),
  /** Hash of the whole file, as the hub lists it. */
  hash: z.string(),
  begin: z.number(),
  end: z.number(),
  /** The tensor that the range is; null for a header. */
  tensor: z.string().nullable(),
  /** SHA-256 of the range, taken when it was downloaded. */
  sha256: z.string(),
});

/** A record of a range that was downloaded, beside it as NAME.json. */
export type RangeRecord = z.infer<typeof recordSchema>;

/** Writes a record: before the range gets its name, so that a range that has its name has a record. */
export function writeRecord(target: string, record: Omit<RangeRecord, 'format'>): void {
  const text = JSON.stringify({ format: 'eigenshard-hub-range', ...record }, null, 2);
  writeFileAtomically(`${target}.json`, [Buffer.from(`${text}\n`)]);
}

/** Reads the record of a range that is there and has its length; null where one of them is missing. */
export function readRecord(target: string): RangeRecord | null {
  const size = statSync(target, { throwIfNoEntry: false })?.size;
  if (size === undefined || !existsSync(`${target}.json`)) return null;
  const record = parseRecord(readFileSync(`${target}.json`, 'utf8'));
  return record !== null && record.end - record.begin === size ? record : null;
}

/** Checks that a stored range still has the bytes that were downloaded. */
export async function isIntact(target: string): Promise<boolean> {
  const record = readRecord(target);
  return record !== null && (await hashFile(target, 'the cache')) === record.sha256;
}

/** Reads the records of all ranges in a directory. */
export function recordsIn(directory: string): RangeRecord[] {
  return namesIn(directory)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => readRecord(path.join(directory, name.slice(0, -'.json'.length))) ?? []);
}

function parseRecord(text: string): RangeRecord | null {
  try {
    return recordSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
