/** Bytes of one call that reads, writes, hashes or sums: some of them fail beyond 2 GiB, and others end the process. */
export const CHUNK_BYTES = 2 ** 30;

/** Cuts bytes into chunks that any call can take; they are not copied. */
export function* chunksOf(bytes: Uint8Array, chunkBytes = CHUNK_BYTES): Generator<Uint8Array> {
  for (let done = 0; done < bytes.length; done += chunkBytes) yield bytes.subarray(done, done + chunkBytes);
}
