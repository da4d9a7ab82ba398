import { InputError } from '../errors.js';
import { isLfsPointer, lfsPointer } from './lfs-pointer.js';
import { readBytes, withFile, withFileSync } from './open-file.js';
import { readFully } from './read-fully.js';
import { isMissing } from './system-error.js';

/**
 * The largest tokenizers have some 40 MB, the manifest of a million partitions some 250 MB, and a string of JavaScript
 * some 500 MB at most.
 */
const MOST_BYTES = 2 ** 28;

/**
 * Reads a text of a checkpoint or a tokenizer as a whole.
 *
 * @param role what the file is to the user, for messages
 * @throws InputError where it cannot be read, is no regular file or too long for one, or a pointer of Git LFS
 */
export async function readText(file: string, role: string): Promise<string> {
  return withFile(file, role, async (opened) => {
    refuseLong(opened.size, file, role);
    const bytes = Buffer.from((await readBytes(opened, 0, opened.size)).buffer);
    if (isLfsPointer(bytes)) throw lfsPointer(file);
    return bytes.toString('utf8');
  });
}

/**
 * Reads a file that is not long as a whole, synchronously.
 *
 * @param role what the file is to the user, for messages
 * @throws InputError where it cannot be read, is no regular file or too long for a text
 */
export function readShortFile(file: string, role: string): Buffer<ArrayBuffer> {
  return withFileSync(file, role, (descriptor, size) => {
    refuseLong(size, file, role);
    const bytes = Buffer.alloc(size);
    readFully(descriptor, bytes, 0, file);
    return bytes;
  });
}

/**
 * Reads a text as a whole, synchronously.
 *
 * @param role what the file is to the user, for messages
 * @returns null where there is no such file
 * @throws InputError where it cannot be read, is no regular file or too long for a text
 */
export function readTextIfThere(file: string, role: string): string | null {
  try {
    return readShortFile(file, role).toString('utf8');
  } catch (error) {
    if (error instanceof InputError && isMissing(error.cause)) return null;
    throw error;
  }
}

function refuseLong(size: number, file: string, role: string): void {
  if (size <= MOST_BYTES) return;
  throw new InputError(
    `${file}: has ${size} bytes, at most ${MOST_BYTES} were expected of ${role}; check whether it is another file`,
  );
}
