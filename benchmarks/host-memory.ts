import { freeBuffer } from '../src/linalg/free-buffer.js';

const CHUNK_BYTES = 64 * 2 ** 20;

/**
 * Touches this much memory and gives it back to the system. The host of a virtual machine takes memory that the guest
 * has left free, and hands it out again at the first touch, at ten times the cost of a page: of two equal writes one
 * can take ten times as long as the other. The system does not give out first what was freed last, so claim several
 * times what will be needed.
 */
export function claimHostMemory(bytes: number): void {
  const chunks = Array.from({ length: Math.ceil(bytes / CHUNK_BYTES) }, () =>
    new Uint8Array(CHUNK_BYTES).fill(1),
  );
  for (const { buffer } of chunks) freeBuffer(buffer);
}
