import { createHash } from 'node:crypto';

/** A file of a repository as the hub lists it. */
export interface HubFile {
  path: string;
  bytes: number;
  /** Hash of the content, which is also its ETag: SHA-256 of a file in LFS, else the SHA-1 of its git blob. */
  hash: string;
  algorithm: 'sha256' | 'git-sha1';
}

/**
 * Checks what a list, or the headers of an answer, say of a file.
 *
 * @returns null where they do not say its size and its hash
 */
export function hubFileOf(path: string, bytes: number, hash: string): HubFile | null {
  const algorithm = /^[0-9a-f]{64}$/.test(hash) ? 'sha256' : 'git-sha1';
  const isHash = algorithm === 'sha256' || /^[0-9a-f]{40}$/.test(hash);
  return isHash && Number.isSafeInteger(bytes) && bytes >= 0 ? { path, bytes, hash, algorithm } : null;
}

/** Computes the hash (hex) by which the hub names these bytes. */
export function contentHash(bytes: Uint8Array, algorithm: HubFile['algorithm']): string {
  switch (algorithm) {
    case 'sha256':
      return createHash('sha256').update(bytes).digest('hex');
    case 'git-sha1':
      return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  }
}

/** Takes the value out of an ETag: 'abc' of '"abc"', and of 'W/"abc"', a weak one. */
export function etagValue(etag: string): string {
  return etag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
}
