import * as zlib from 'node:zlib';
import type { Compressors } from 'hyparquet';
import { snappyUncompress } from 'hyparquet/src/snappy.js';

type Decompress = (input: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

/** Of a page without values nothing is left, and zlib asks for a length of one at least. */
const withLength = (decompress: Decompress) => (input: Uint8Array, length: number) =>
  length === 0 ? new Uint8Array(0) : decompress(input, { maxOutputLength: length });

/** Undoes the compressions of Parquet that this version of Node knows; the length is known before. */
export const compressors: Compressors = {
  SNAPPY: (input, length) => {
    const output = new Uint8Array(length);
    if (length > 0) snappyUncompress(input, output);
    return output;
  },
  GZIP: withLength(zlib.gunzipSync),
  BROTLI: withLength(zlib.brotliDecompressSync),
  ...('zstdDecompressSync' in zlib ? { ZSTD: withLength(zlib.zstdDecompressSync as Decompress) } : {}),
};

/** How many bytes at most each of them makes of one: Snappy writes 64 in three, deflate 258 in two bits, the others blocks of equal bytes. */
export const mostGrowth: Readonly<Record<string, number>> = {
  UNCOMPRESSED: 1,
  SNAPPY: 22,
  GZIP: 1032,
  BROTLI: 2 ** 15,
  ZSTD: 2 ** 15,
};
