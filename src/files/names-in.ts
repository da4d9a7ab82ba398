import { readdirSync } from 'node:fs';
import { asInputError } from './read-error.js';

/** Lists the names in a directory, sorted; none where it does not exist. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw asInputError(error, directory, 'the directory');
  }
}
