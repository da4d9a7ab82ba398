/** Tridiagonal form of a symmetric matrix, A = Q T Q^T with an orthogonal Q. */
export interface TridiagonalForm {
  /** Diagonal of T, [n]. */
  diagonal: Float64Array;
  /** Entries of T beside the diagonal, [n - 1] or longer. */
  offDiagonal: Float64Array;
  /** Multiplies Z <- Q Z. @param z [n, n] row-major, overwritten */
  transformBack(z: Float64Array): Promise<void>;
}
