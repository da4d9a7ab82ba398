/**
 * Columns of one block of the covariance. A block product of 512 x strip x 512 runs near onnxruntime's peak, and
 * at d = 2560 the lower block triangle is 15 of 25 blocks.
 */
export const COVARIANCE_BLOCK = 512;

/** Block of a symmetric d x d matrix: rows [row, row + height), columns [column, column + width). */
export interface CovarianceBlock {
  row: number;
  column: number;
  height: number;
  width: number;
  /** Index among the packed blocks at which its height x width values begin. */
  offset: number;
}

/** Lower block triangle of a d x d matrix, block rows from the top, packed one after another. */
export function covarianceBlocks(d: number): { blocks: CovarianceBlock[]; length: number } {
  const starts = Array.from({ length: Math.ceil(d / COVARIANCE_BLOCK) }, (_, b) => b * COVARIANCE_BLOCK);
  const blocks: CovarianceBlock[] = [];
  let length = 0;
  for (const row of starts) {
    for (const column of starts.filter((start) => start <= row)) {
      const height = Math.min(COVARIANCE_BLOCK, d - row);
      const width = Math.min(COVARIANCE_BLOCK, d - column);
      blocks.push({ row, column, height, width, offset: length });
      length += height * width;
    }
  }
  return { blocks, length };
}

/** Values that the lower block triangle of a d x d matrix holds: those of `covarianceBlocks`, without a list of them. */
export function covarianceLength(d: number): number {
  const whole = Math.floor(d / COVARIANCE_BLOCK);
  const left = d % COVARIANCE_BLOCK;
  return ((whole * (whole + 1)) / 2) * COVARIANCE_BLOCK ** 2 + left * d;
}

/** Full symmetric matrix [d, d] from packed blocks, every value divided by `divisor`. */
export function unpackCovariance(packed: Float64Array, d: number, divisor: number): Float64Array {
  const matrix = new Float64Array(d * d);
  for (const { row, column, height, width, offset } of covarianceBlocks(d).blocks) {
    for (let i = 0; i < height; i++) {
      // Of a diagonal block only the lower triangle is taken, so that the matrix is symmetric to the last bit.
      const end = row === column ? i + 1 : width;
      for (let j = 0; j < end; j++) {
        const value = packed[offset + i * width + j]! / divisor;
        matrix[(row + i) * d + column + j] = value;
        matrix[(column + j) * d + row + i] = value;
      }
    }
  }
  return matrix;
}
