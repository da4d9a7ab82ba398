import { createHash } from 'node:crypto';
import { InputError } from '../errors.js';
import { readBytes, withFile } from '../files/open-file.js';
import { decodeFloats, dtypeBytes } from '../formats/dtype.js';
import type { VectorSource } from './checkpoint.js';

/** A vector of a checkpoint that has been read: its numbers, exactly, and what identifies them. */
export interface ReadVector {
  values: Float64Array;
  /** SHA-256 (hex) of the stored bytes. */
  sha256: string;
}

/**
 * Reads a vector of a checkpoint.
 *
 * @throws InputError where it cannot be read, or holds NaN or infinity
 */
export async function readVector({
  file,
  byteOffset,
  length,
  dtype,
  tensor,
}: VectorSource): Promise<ReadVector> {
  const bytes = await withFile(file, 'the checkpoint', (opened) =>
    readBytes(opened, byteOffset, length * dtypeBytes[dtype]),
  );
  const values = new Float64Array(length);
  decodeFloats(bytes, dtype, values);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new InputError(
      `${file}: ${tensor} holds ${values[bad]} at index ${bad}; every weight must be finite. The checkpoint itself holds ` +
        'it, of a training or a conversion that went wrong: give another one',
    );
  }
  return { values, sha256: createHash('sha256').update(bytes).digest('hex') };
}
