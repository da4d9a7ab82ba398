import type { RowRange } from '../plan/row-ranges.js';
import type { OuterSums } from './backend/backend.js';
import type { Matrix } from './matrix.js';
import { rowsOf, rowTiles } from './product-shapes.js';

/**
 * Columns of the product that are computed at a time. Wider blocks compute more above the diagonal for nothing, narrower
 * ones multiply more slowly.
 */
export const SYMMETRIC_BLOCK = 128;

/** Columns [first, first + width) of a symmetric matrix of order n, from row `first` down. */
export interface LowerBlock {
  first: number;
  width: number;
  /** [n - first, width] row-major; its first rows hold the diagonal, and what lies above it. */
  values: Float64Array;
}

/**
 * Computes A B^T in float64 where that is symmetric. Only the lower triangle is computed, in blocks of columns: half of the
 * work. A product has at least as many rows as columns, so that no bit depends on its threads: onnxruntime divides the
 * longer side among them.
 *
 * Memory: a block of columns of the product, which is used again.
 *
 * @param a A, [n, k]
 * @param rowsOfB gives rows [first, first + count) of B, [count, k]; they are used before it is called again
 * @param use takes each block before the next one is computed
 */
export async function symmetricProduct(
  a: Matrix<Float64Array>,
  rowsOfB: (rows: RowRange) => Matrix<Float64Array>,
  sums: OuterSums,
  use: (block: LowerBlock) => void,
): Promise<void> {
  const { rows: n } = a;
  const blockValues = new Float64Array(n * Math.min(SYMMETRIC_BLOCK, n));
  for (let first = 0; first < n; first += SYMMETRIC_BLOCK) {
    const width = Math.min(SYMMETRIC_BLOCK, n - first);
    const right = rowsOfB({ first, count: width });
    const values = blockValues.subarray(0, (n - first) * width).fill(0);
    const left = rowsOf(a, { first, count: n - first });
    for (const tile of rowTiles(left, { values, rows: n - first, columns: width }))
      await sums.add(tile.a, right, tile.out);
    use({ first, width, values });
  }
}
