import { existsSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { isMissing, systemError } from './system-error.js';
import { asOutputError } from './write-error.js';

/**
 * Makes a directory and those above it, as far as they are not there, one after the other. Asked for all of them at once,
 * Node.js hides why the system refused one, as where the file system is read-only, and asks for ever where one can never
 * be made, as in /proc.
 *
 * @param directory path
 * @param cause file for which it is made, and which the message names; the directory itself where nothing is said
 * @returns the uppermost directory that was made; undefined where all were there
 * @throws InputError or RunError with the path and what to do
 */
export function makeDirectory(directory: string, cause = directory): string | undefined {
  try {
    const missing = missingDirectories(path.resolve(directory));
    for (const one of missing) makeOne(one, cause);
    return missing[0];
  } catch (error) {
    throw asOutputError(error, cause);
  }
}

/**
 * Refuses a directory that could not be made, because something else stands at its place; one that is there, or of which
 * nothing is there yet, is let pass.
 *
 * @throws InputError with the path and what to do
 */
export function refuseOccupied(directory: string): void {
  try {
    if (isDirectory(directory) || lstatSync(directory, { throwIfNoEntry: false }) === undefined) return;
  } catch (error) {
    throw asOutputError(error, directory);
  }
  throw new InputError(
    `${directory}: expected a directory, or nothing yet, and something else stands there: move it away, or choose another path`,
  );
}

/**
 * Those of a directory and all above it that are to be made, from the uppermost on. What stands there and is no directory
 * is left to the system, which says why it refuses to make one there, or below.
 */
function missingDirectories(directory: string): string[] {
  if (isDirectory(directory)) return [];
  const missing = [directory];
  for (let above = path.dirname(directory); !existsSync(above); above = path.dirname(above)) {
    missing.unshift(above);
  }
  return missing;
}

function makeOne(directory: string, cause: string): void {
  try {
    mkdirSync(directory);
  } catch (error) {
    // Another process may have been faster.
    if (systemError(error)?.code === 'EEXIST' && isDirectory(directory)) return;
    if (isMissing(error) && isDirectory(path.dirname(directory))) {
      throw new InputError(
        `${cause}: cannot write: no directory can be made in ${path.dirname(directory)}: choose another path (ENOENT)`,
        { cause: error },
      );
    }
    throw error;
  }
}

function isDirectory(file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
