import type { Multiplication } from './backend/backend.js';
import type { Matrix } from './matrix.js';
import { rowTiles } from './product-shapes.js';

/**
 * Columns of the product that are computed at a time. Wider blocks compute more above the diagonal for nothing, narrower
 * ones multiply more slowly.
 */
const BLOCK = 128;

/** Columns [first, first + width) of a symmetric matrix of order n, from row `first` down. */
export interface LowerBlock {
  first: number;
  width: number;
  /** [n - first, width] row-major; its first rows hold the diagonal, and what lies above it. */
  values: Float64Array;
}

/** Lays out columns of a right operand B, from the column `first` on, in `out`, [k, width]. */
export type LayOutColumns = (first: number, out: Matrix<Float64Array>) => void;

/**
 * Computes A B in float64 where that is symmetric. Only the lower triangle is computed, in blocks of columns: half of the
 * work. A product has at least as many rows as columns, so that no bit depends on its threads: onnxruntime divides the
 * longer side among them.
 *
 * Memory: a block of columns of B, and one of the product, which are used again.
 *
 * @param a A, [n, k]
 * @param layOut lays out columns of B, [k, n]
 * @param use takes each block before the next one is computed
 */
export async function symmetricProduct(
  a: Matrix<Float64Array>,
  layOut: LayOutColumns,
  product: Multiplication,
  use: (block: LowerBlock) => void,
): Promise<void> {
  const { rows: n, columns: k } = a;
  const most = Math.min(BLOCK, n);
  const rightValues = new Float64Array(k * most);
  const blockValues = new Float64Array(n * most);
  for (let first = 0; first < n; first += BLOCK) {
    const width = Math.min(BLOCK, n - first);
    const right = { values: rightValues.subarray(0, k * width), rows: k, columns: width };
    layOut(first, right);
    const left = { values: a.values.subarray(first * k), rows: n - first, columns: k };
    const values = blockValues.subarray(0, (n - first) * width);
    for (const tile of rowTiles(left, { values, rows: n - first, columns: width }))
      await product.multiply(tile.a, right, tile.out);
    use({ first, width, values });
  }
}
