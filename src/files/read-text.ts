import { readFile, stat } from 'node:fs/promises';
import { InputError } from '../errors.js';
import { isLfsPointer, lfsPointer } from './lfs-pointer.js';
import { asInputError } from './read-error.js';

/** The largest tokenizers have some 40 MB, and a string of JavaScript some 500 MB at most. */
const MOST_BYTES = 2 ** 28;

/**
 * Reads a text of a checkpoint or a tokenizer as a whole.
 *
 * @param role what the file is to the user, for messages
 * @throws InputError where it cannot be read, is no regular file or too long for one, or a pointer of Git LFS
 */
export async function readText(file: string, role: string): Promise<string> {
  try {
    const found = await stat(file);
    // A directory is refused by readFile; anything else that is no file may never end.
    if (!found.isFile() && !found.isDirectory()) {
      throw new InputError(
        `${file}: expected a file with ${role}, found none; give the path of the file itself`,
      );
    }
    if (found.size > MOST_BYTES) {
      throw new InputError(
        `${file}: has ${found.size} bytes, at most ${MOST_BYTES} were expected of ${role}; is it another file?`,
      );
    }
    const bytes = await readFile(file);
    if (isLfsPointer(bytes)) throw lfsPointer(file);
    return bytes.toString('utf8');
  } catch (error) {
    throw asInputError(error, file, role);
  }
}
