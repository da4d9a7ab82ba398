import type { Backend } from '../backend/backend.js';
import type { Matrix } from '../matrix.js';
import { multiplied, transposeOf } from '../matrix-products.js';

/** Singular values of X = U S W^T, of which only what is needed is kept. */
export interface SingularValues {
  /** Falling, [min(d, d')]. */
  values: Float64Array;
  /** Trace of the nearest rotation U W^T; NaN where X is not square. */
  rotationTrace: number;
}

/**
 * Computes the singular values of a matrix [d, d'], and the trace of the rotation that is nearest to it.
 *
 * The right vectors W are those of X^T X, of the smaller side, whose eigenvalues have lost the small values; the lengths of
 * the columns of X W have not.
 */
export async function singularValues(x: Matrix<Float64Array>, backend: Backend): Promise<SingularValues> {
  const narrow = x.columns <= x.rows ? x : transposeOf(x);
  const n = narrow.columns;
  const gram = await multiplied(transposeOf(narrow), narrow, backend);
  const { eigenvectors } = await backend.eigh(gram.values, n);
  const w = { values: eigenvectors, rows: n, columns: n };
  const images = await multiplied(narrow, w, backend);
  const lengths = new Float64Array(n);
  for (let k = 0; k < images.values.length; k++) lengths[k % n]! += images.values[k]! ** 2;
  const values = lengths.map(Math.sqrt);
  const isSquare = x.rows === x.columns;
  let trace = isSquare ? 0 : Number.NaN;
  if (isSquare)
    for (let j = 0; j < n; j++) {
      let along = 0;
      for (let i = 0; i < n; i++) along += images.values[i * n + j]! * w.values[i * n + j]!;
      trace += along / values[j]!;
    }
  return { values: values.sort().reverse(), rotationTrace: trace };
}
