import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { EigenshardError } from '../errors.js';
import { asRecord } from '../files/json.js';
import { makeDirectory } from '../files/make-directory.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { readTextIfThere } from '../files/read-text.js';
import { refuseLeadingOut } from '../output/own-files.js';

/**
 * What the process that takes up a run of a batch leaves on disk of it, for processes that have other runs of the same
 * batch: they do not look for its model, and could not tell why it failed.
 */
export interface RunRecord {
  /** Name of the model. */
  name: string;
  /** Folder of the run, below the batch's; null where the model was not found. */
  folder: string | null;
  /** Why the run failed; null as long as it has not. */
  problem: string | null;
}

/** Folder of the records, below the batch's. */
const RECORDS_NAME = '.eigenshard.batch';

/** Path of the record of a run in the directory of its batch. @param key of the run, see `runKey` */
export function recordFile(directory: string, key: string): string {
  return path.join(directory, RECORDS_NAME, `${key}.json`);
}

/** Writes the record of a run, in the place of one that says something else. @param key of the run, see `runKey` */
export function writeRunRecord(directory: string, key: string, record: RunRecord): void {
  if (isDeepStrictEqual(readRunRecord(directory, key), record)) return;
  const file = recordFile(directory, key);
  makeDirectory(path.dirname(file));
  refuseLeadingOut(directory, path.dirname(file));
  writeFileAtomically(file, [Buffer.from(`${JSON.stringify(record)}\n`)]);
}

/** Reads the record of a run; null where there is none, or none that can be read. @param key of the run, see `runKey` */
export function readRunRecord(directory: string, key: string): RunRecord | null {
  const record = readRecord(recordFile(directory, key));
  if (record === null) return null;
  const { name, folder, problem } = record;
  if (typeof name !== 'string' || !isTextOrNull(folder) || !isTextOrNull(problem)) return null;
  // It names a folder beside it, and nothing elsewhere.
  const isInside = folder === null || /^[A-Za-z0-9@_-][A-Za-z0-9._@-]*$/.test(folder);
  return isInside ? { name, folder, problem } : null;
}

function readRecord(file: string): Record<string, unknown> | null {
  try {
    const text = readTextIfThere(file, 'the record of a run');
    return text === null ? null : asRecord(JSON.parse(text));
  } catch (error) {
    if (error instanceof EigenshardError || error instanceof SyntaxError) return null;
    throw error;
  }
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}
