import { LEAST_DIRECT_BYTES, writeDirectly } from '../src/files/direct-io.js';
import type { PartialFile } from '../src/files/partial-file.js';

type Way = 'direct' | 'cached';

/** Milliseconds a byte that each way last took in this thread; 0 before the first time. */
const pace: Record<Way, number> = { direct: 0, cached: 0 };

/**
 * Writes all bytes of a file in the way that was quicker the last time: past the file cache or through it. Which one that is
 * depends on the disk, on whether memory is at hand, and on how many threads write; both are tried first.
 *
 * @param bytes at a multiple of `DIRECT_BLOCK_BYTES` in memory
 * @returns whether the file went past the cache
 */
export function writeQuicker(file: PartialFile, bytes: Uint8Array): boolean {
  if (bytes.length < LEAST_DIRECT_BYTES || pace.cached < pace.direct) {
    timed('cached', bytes, () => file.write(bytes));
    return false;
  }
  const written = timed('direct', bytes, () => {
    const front = writeDirectly(file.path, bytes);
    file.write(bytes.subarray(front), front);
    return front;
  });
  // The file system takes nothing in this way.
  if (written === 0) pace.direct = Number.POSITIVE_INFINITY;
  return written > 0;
}

function timed<Result>(way: Way, { length }: Uint8Array, write: () => Result): Result {
  const started = performance.now();
  const result = write();
  if (length >= LEAST_DIRECT_BYTES) pace[way] = (performance.now() - started) / length;
  return result;
}
