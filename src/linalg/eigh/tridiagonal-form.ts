import type { SizedProduct } from './sized-product.js';

/** Tridiagonal form of a symmetric matrix, A = Q T Q^T with an orthogonal Q. */
export interface TridiagonalForm {
  /** Diagonal of T, [n]. */
  diagonal: Float64Array;
  /** Entries of T beside the diagonal, [n - 1] or longer. */
  offDiagonal: Float64Array;
  /**
   * Multiplies Z <- Q Z.
   * @param z [n, n] row-major, overwritten
   * @param product what large blocks are multiplied by
   */
  transformBack(z: Float64Array, product: SizedProduct): Promise<void>;
}
