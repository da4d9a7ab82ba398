import { promisify } from 'node:util';
import { constants, crc32, deflateRaw } from 'node:zlib';
import { type PackedArray, type PackedEntry, packArrays } from './packed-arrays.js';

/** Bytes that are deflated at once: many windows of 32 KiB, so that hardly anything is lost at the seams. */
const PIECE_BYTES = 2 ** 21;

/** How hard the arrays are compressed: the level from 1 to 9 above which a page gets smaller by 1 %, in more than twice the time. */
const LEVEL = 4;

/** What a gzip file begins with (RFC 1952): deflate, no name, no time, an unknown system. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);

/** The block of deflate that says that nothing follows, empty. */
const LAST_BLOCK = Buffer.from([3, 0]);

/** Some arrays of a page, compressed: parts that follow each other make one gzip stream. */
export interface PackedPart {
  entries: PackedEntry[];
  /** The arrays, packed. */
  bytes: Uint8Array;
  /** Blocks of deflate that give `bytes`, up to a whole byte; the last one leaves the stream open. */
  deflated: Uint8Array[];
}

/**
 * Packs arrays and compresses them, piece by piece on the threads that Node has for it. Pieces are of one size, so that
 * the bytes do not depend on how many threads there are.
 */
export async function packPart(arrays: Readonly<Record<string, PackedArray>>): Promise<PackedPart> {
  const { entries, bytes } = packArrays(arrays);
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += PIECE_BYTES)
    pieces.push(bytes.subarray(start, start + PIECE_BYTES));
  const deflated = await Promise.all(
    pieces.map((piece) =>
      promisify(deflateRaw)(piece, { level: LEVEL, finishFlush: constants.Z_FULL_FLUSH }),
    ),
  );
  return { entries, bytes, deflated };
}

/** Compressed size of a part, in bytes. */
export function compressedBytes({ deflated }: PackedPart): number {
  return deflated.reduce((sum, piece) => sum + piece.length, 0);
}

/** Joins parts into one gzip stream, of the bytes of all of them. */
export function gzipOf(parts: readonly PackedPart[]): Buffer {
  const trailer = Buffer.alloc(8);
  const length = parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
  trailer.writeUInt32LE(
    parts.reduce((crc, { bytes }) => crc32(bytes, crc), 0),
    0,
  );
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  return Buffer.concat([HEADER, ...parts.flatMap(({ deflated }) => deflated), LAST_BLOCK, trailer]);
}
