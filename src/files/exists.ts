import { stat } from 'node:fs/promises';
import { asInputError } from './read-error.js';

/**
 * Says whether a file or directory is there. A link whose target is missing is not: it is an incomplete download of the
 * hub's cache.
 *
 * @param role what the file is to the user, for the message where the system does not say whether it is there
 */
export async function exists(path: string, role: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // ENOTDIR: beside the one file that a bare checkpoint is, there is nothing.
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw asInputError(error, path, role);
  }
}
