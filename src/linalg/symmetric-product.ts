import type { Multiplication } from './backend/backend.js';

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

/**
 * Computes A diag(w) A^T in float64, of which only the lower triangle is computed, in blocks of columns: half of the
 * work. A product of a block has at least as many rows as columns, so that no bit depends on its threads: onnxruntime
 * divides the longer side among them.
 *
 * Memory: two blocks.
 *
 * @param a A, [n, k] row-major
 * @param weights w, [k]; all 1 where there are none
 * @param use takes each block before the next one is computed
 */
export async function symmetricProduct(
  { a, n, weights }: { a: Float64Array; n: number; weights?: Float64Array },
  product: Multiplication,
  use: (block: LowerBlock) => void,
): Promise<void> {
  const k = a.length / n;
  for (let first = 0; first < n; first += BLOCK) {
    const width = Math.min(BLOCK, n - first);
    const right = new Float64Array(k * width);
    for (let j = 0; j < width; j++) {
      const row = (first + j) * k;
      for (let i = 0; i < k; i++)
        right[i * width + j] = a[row + i]! * (weights === undefined ? 1 : weights[i]!);
    }
    const rows = n - first;
    const values = new Float64Array(rows * width);
    await product.multiply(
      { values: a.subarray(first * k), rows, columns: k },
      { values: right, rows: k, columns: width },
      { values, rows, columns: width },
    );
    use({ first, width, values });
  }
}
