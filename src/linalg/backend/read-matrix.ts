import { withFileSync } from '../../files/open-file.js';
import { readFully } from '../../files/read-fully.js';
import type { Matrix, StoredMatrix } from '../matrix.js';

/** Reads a matrix from its file, synchronously. @throws InputError where the file ends before the matrix does */
export function readMatrix({ file, byteOffset, rows, columns }: StoredMatrix): Matrix<Float32Array> {
  const values = new Float32Array(rows * columns);
  withFileSync(file, 'the eigenvectors', (descriptor) =>
    readFully(descriptor, new Uint8Array(values.buffer), byteOffset, file),
  );
  return { values, rows, columns };
}
