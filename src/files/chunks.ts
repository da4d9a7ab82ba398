/**
 * Bytes of one call that reads, writes, hashes or sums. Beyond 2 GiB some of them fail, and others end the process; from some
 * megabytes on none is quicker, and where chunks are gathered one of them is in memory beside the whole.
 */
export const CHUNK_BYTES = 64 * 2 ** 20;

/** Cuts bytes into chunks that any call can take; they are not copied. */
export function* chunksOf(bytes: Uint8Array, chunkBytes = CHUNK_BYTES): Generator<Uint8Array> {
  for (let done = 0; done < bytes.length; done += chunkBytes) yield bytes.subarray(done, done + chunkBytes);
}
