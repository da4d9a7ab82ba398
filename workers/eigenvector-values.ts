import { readMatrix } from '../src/linalg/backend/read-matrix.js';
import type { Matrix } from '../src/linalg/matrix.js';
import type { EigenvectorsReference } from '../src/output/eigenbasis-file.js';

let held: { sha256: string; matrix: Matrix<Float64Array> } | undefined;

/** Eigenvectors of a run, float64 [d, d] row-major; the thread keeps those that it was last asked for. */
export function eigenvectorValues({
  file,
  byteOffset,
  hidden: d,
  sha256,
}: EigenvectorsReference): Matrix<Float64Array> {
  if (held?.sha256 !== sha256) {
    held = undefined;
    const { values } = readMatrix({ file, byteOffset, rows: d, columns: d });
    held = { sha256, matrix: { values: Float64Array.from(values), rows: d, columns: d } };
  }
  return held.matrix;
}
