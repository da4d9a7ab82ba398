import { readSync } from 'node:fs';
import { InputError } from '../errors.js';
import { CHUNK_BYTES } from './chunks.js';
import { asInputError } from './read-error.js';

/**
 * Fills `into` from `position` of an open file, synchronously: for worker threads, which have nothing else to do.
 *
 * @throws InputError where the file ends before, or its disk refuses it
 */
export function readFully(descriptor: number, into: Uint8Array, position: number, file: string): void {
  for (let filled = 0; filled < into.length; ) {
    const count = readSome(descriptor, into.subarray(filled), position + filled, file);
    if (count === 0) {
      throw new InputError(
        `${file}: ends at byte ${position + filled}, where ${into.length - filled} more were expected. ` +
          'Is it still being written, or cut off?',
      );
    }
    filled += count;
  }
}

/** Reads what one call of the system gives. */
function readSome(descriptor: number, into: Uint8Array, position: number, file: string): number {
  try {
    return readSync(descriptor, into, 0, Math.min(into.length, CHUNK_BYTES), position);
  } catch (error) {
    throw asInputError(error, file, 'it');
  }
}
