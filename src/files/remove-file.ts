import { rmSync } from 'node:fs';
import { asOutputError } from './write-error.js';

/**
 * Removes a file; does nothing where there is none.
 *
 * @throws InputError or RunError with the path and what to do, where it cannot be removed or is a directory
 */
export function removeFile(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch (error) {
    throw asOutputError(error, file);
  }
}
