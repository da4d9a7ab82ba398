import { type BlockColumns, covarianceBlocks } from '../plan/covariance-blocks.js';

/**
 * Puts packed blocks of some block columns into the full symmetric matrix [d, d], every value divided by `divisor`.
 *
 * @param packed as `covarianceBlocks` packs them
 * @param matrix float64 [d, d] row-major
 */
export function unpackCovariance(
  packed: Float64Array,
  columns: BlockColumns,
  { matrix, d, divisor }: { matrix: Float64Array; d: number; divisor: number },
): void {
  for (const { first, width, height, offset } of covarianceBlocks(d, columns)) {
    for (let i = 0; i < height; i++) {
      // Of the square on the diagonal only the lower triangle is taken, so that the matrix is symmetric to the last bit.
      const end = Math.min(i + 1, width);
      for (let j = 0; j < end; j++) {
        const value = packed[offset + i * width + j]! / divisor;
        matrix[(first + i) * d + first + j] = value;
        matrix[(first + j) * d + first + i] = value;
      }
    }
  }
}
