import { readSync } from 'node:fs';
import { InputError } from '../errors.js';

/**
 * Fills `into` from `position` of an open file, synchronously: for worker threads, which have nothing else to do.
 * @throws InputError where the file ends before
 */
export function readFully(descriptor: number, into: Uint8Array, position: number, file: string): void {
  for (let filled = 0; filled < into.length; ) {
    const count = readSync(descriptor, into, filled, into.length - filled, position + filled);
    if (count === 0) {
      throw new InputError(
        `${file}: ends at byte ${position + filled}, where ${into.length - filled} more were expected. ` +
          'Is it still being written, or cut off?',
      );
    }
    filled += count;
  }
}
