import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type PackedArray, packArrays } from './packed-arrays.js';

/** Bytes that arrays take in a page at most: compressed in haste, so a little more than in the page itself. */
export async function compressedBytes(arrays: Readonly<Record<string, PackedArray>>): Promise<number> {
  return (await promisify(gzip)(packArrays(arrays).bytes, { level: 1 })).length;
}
