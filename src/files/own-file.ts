import { lstatSync } from 'node:fs';
import { asInputError } from './read-error.js';

/**
 * Tells whether what stands under a path may be written into: a regular file that has no other name. What is written
 * through a link, or into a file with a second name, changes elsewhere too; a pipe or a device is none of ours.
 *
 * @returns false for all else, true where there is nothing
 * @throws InputError where the system does not say it
 */
export function isOwnFile(file: string): boolean {
  try {
    const found = lstatSync(file, { throwIfNoEntry: false });
    return found === undefined || (found.isFile() && found.nlink === 1);
  } catch (error) {
    throw asInputError(error, file, 'it');
  }
}
