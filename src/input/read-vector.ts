import { createHash } from 'node:crypto';
import { InputError } from '../errors.js';
import { readBytes, withFile } from '../files/open-file.js';
import { decodeFloats, dtypeBytes } from '../formats/dtype.js';
import type { VectorSource } from './checkpoint.js';

/** Largest number of float32, in which whatever is made of a vector ends. */
const LARGEST = 2 ** 128 - 2 ** 104;

/** A vector of a checkpoint that has been read: its numbers, exactly, and what identifies them. */
export interface ReadVector {
  values: Float64Array;
  /** SHA-256 (hex) of the stored bytes. */
  sha256: string;
  /** What keeps its numbers from being computed with, in words; null where nothing does. */
  problem: string | null;
}

/**
 * Reads a vector of a checkpoint.
 *
 * @throws InputError where it cannot be read
 */
export async function readVector({ file, byteOffset, length, dtype }: VectorSource): Promise<ReadVector> {
  const bytes = await withFile(file, 'the checkpoint', (opened) =>
    readBytes(opened, byteOffset, length * dtypeBytes[dtype]),
  );
  const values = new Float64Array(length);
  decodeFloats(bytes, dtype, values);
  const bad = values.findIndex((value) => !(Math.abs(value) <= LARGEST));
  const problem = bad < 0 ? null : `holds ${values[bad]} at index ${bad}, which float32 has no number for`;
  return { values, sha256: createHash('sha256').update(bytes).digest('hex'), problem };
}

/**
 * Reads a vector of a checkpoint that is to be computed with.
 *
 * @throws InputError where it cannot be read, or holds NaN, infinity, or what is larger than float32 can be
 */
export async function readFiniteVector(source: VectorSource): Promise<ReadVector> {
  const read = await readVector(source);
  if (read.problem === null) return read;
  throw new InputError(
    `${source.file}: ${source.tensor} ${read.problem}; every weight must be finite. The checkpoint itself holds it, of a ` +
      'training or a conversion that went wrong: give another one',
  );
}
