import { statSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import type { FileRecord } from '../files/file-record.js';
import { hashFile } from '../files/hash-file.js';
import { regularFile } from '../files/open-file.js';
import { asInputError } from '../files/read-error.js';
import { isMissing } from '../files/system-error.js';

/** Files that this process has found as they were recorded: path, checksum, and what the system said of them then. */
const intact = new Set<string>();

/** What to do about a damaged file of a run. */
const ADVICE =
  "`verify` tells what else is damaged, and the run's own command with --resume --checksums makes it again";

/**
 * Refuses a file of a finished run that is not as the run wrote it, by its checksum: once in a process, as long as the
 * system does not say that the file has changed.
 *
 * @param file path
 * @param advice what to do where it is damaged
 * @throws InputError where the file is missing or damaged
 */
export async function refuseDamaged(
  file: string,
  { bytes, sha256 }: Pick<FileRecord, 'bytes' | 'sha256'>,
  advice = ADVICE,
): Promise<void> {
  const key = `${path.resolve(file)} ${sha256} ${refuseOtherSize(file, bytes, advice)}`;
  if (intact.has(key)) return;
  if ((await hashFile(file, 'the run')) !== sha256) throw damaged(file, 'its SHA-256 is another one', advice);
  intact.add(key);
}

/**
 * Refuses a file of a finished run that has not the recorded length, which costs no reading.
 *
 * @param file path
 * @param bytes that the run recorded
 * @param advice what to do where it is damaged
 * @returns what tells whether the file changes later
 * @throws InputError where the file is missing, no regular one or of another length
 */
export function refuseOtherSize(file: string, bytes: number, advice = ADVICE): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = regularFile(statSync(file), file, 'a part of the run');
    if (size !== bytes) throw damaged(file, `it has ${size} bytes, not ${bytes}`, advice);
    return [ino, size, mtimeMs, ctimeMs].join(' ');
  } catch (error) {
    if (isMissing(error)) throw damaged(file, 'it is missing', advice);
    throw asInputError(error, file, 'the run');
  }
}

function damaged(file: string, how: string, advice: string): InputError {
  return new InputError(`${file}: is not as the run wrote it: ${how}. ${advice}`);
}
