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

/** Range of block columns [first, end), counted in blocks. */
export interface BlockColumns {
  first: number;
  end: number;
}

/** Counts the block columns of a d x d matrix. */
export function blockColumnsOf(d: number): number {
  return Math.ceil(d / COVARIANCE_BLOCK);
}

/**
 * Lower block triangle of a d x d matrix, as far as it lies in some block columns: block rows from the top, packed one
 * after another.
 */
export function covarianceBlocks(
  d: number,
  { first, end }: BlockColumns = { first: 0, end: blockColumnsOf(d) },
): { blocks: CovarianceBlock[]; length: number } {
  const starts = Array.from({ length: blockColumnsOf(d) }, (_, b) => b * COVARIANCE_BLOCK);
  const blocks: CovarianceBlock[] = [];
  let length = 0;
  for (const row of starts.slice(first)) {
    for (const column of starts.slice(first, end).filter((start) => start <= row)) {
      const height = Math.min(COVARIANCE_BLOCK, d - row);
      const width = Math.min(COVARIANCE_BLOCK, d - column);
      blocks.push({ row, column, height, width, offset: length });
      length += height * width;
    }
  }
  return { blocks, length };
}

/** Values that `covarianceBlocks` packs, counted without a list of the blocks. */
export function covarianceLength(
  d: number,
  { first, end }: BlockColumns = { first: 0, end: blockColumnsOf(d) },
): number {
  let length = 0;
  for (let b = first; b < end; b++) {
    const height = d - b * COVARIANCE_BLOCK;
    length += height * Math.min(COVARIANCE_BLOCK, height);
  }
  return length;
}
