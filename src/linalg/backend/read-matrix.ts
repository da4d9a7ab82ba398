import { closeSync, openSync } from 'node:fs';
import { readFully } from '../../files/read-fully.js';
import type { Matrix, StoredMatrix } from '../matrix.js';

/** Reads a matrix from its file, synchronously. @throws InputError where the file ends before the matrix does */
export function readMatrix({ file, byteOffset, rows, columns }: StoredMatrix): Matrix<Float32Array> {
  const values = new Float32Array(rows * columns);
  const descriptor = openSync(file, 'r');
  try {
    readFully(descriptor, new Uint8Array(values.buffer), byteOffset, file);
  } finally {
    closeSync(descriptor);
  }
  return { values, rows, columns };
}
