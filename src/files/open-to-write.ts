import { openSync } from 'node:fs';
import { asOutputError } from './write-error.js';

/**
 * Opens a file that is there, to write a part of it.
 *
 * @returns its descriptor
 * @throws InputError or RunError with the path and what to do
 */
export function openToWrite(file: string): number {
  try {
    return openSync(file, 'r+');
  } catch (error) {
    throw asOutputError(error, file);
  }
}
