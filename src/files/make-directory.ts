import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { isMissing } from './system-error.js';
import { asOutputError } from './write-error.js';

/**
 * Makes a directory and those above it, as far as they are not there.
 *
 * @param directory path
 * @param cause file for which it is made, and which the message names; the directory itself where nothing is said
 * @returns the uppermost directory that was made; undefined where all were there
 * @throws InputError or RunError with the path and what to do
 */
export function makeDirectory(directory: string, cause = directory): string | undefined {
  try {
    return mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw asOutputError(isMissing(error) ? refusalOf(directory, error) : error, cause);
  }
}

/**
 * Asks again for one directory alone. Node.js says of directories that it makes one below the other that one is not
 * there, whatever the system said, as that the file system is read-only.
 */
function refusalOf(directory: string, error: unknown): unknown {
  let missing = path.resolve(directory);
  while (!existsSync(path.dirname(missing))) missing = path.dirname(missing);
  try {
    mkdirSync(missing);
    return error;
  } catch (refusal) {
    return refusal;
  }
}
