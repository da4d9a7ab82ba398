/**
 * Columns of one block of the covariance. The narrower, the less is computed above the diagonal for nothing: at d = 2560
 * 51 % of the square, where blocks of 512 would take 60 %. Products with 64 columns run near onnxruntime's peak.
 */
export const COVARIANCE_BLOCK = 64;

/** Block column of the lower triangle of a d x d matrix: columns [first, first + width), from row `first` down. */
export interface CovarianceBlock {
  first: number;
  width: number;
  /** Rows: d - first. */
  height: number;
  /** Index among the packed blocks at which its height x width values begin, row-major. */
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

/** Some block columns of a d x d matrix, all where none are named, packed one after another. */
export function covarianceBlocks(
  d: number,
  columns: BlockColumns = { first: 0, end: blockColumnsOf(d) },
): CovarianceBlock[] {
  let offset = 0;
  return Array.from({ length: columns.end - columns.first }, (_, k) => {
    const first = (columns.first + k) * COVARIANCE_BLOCK;
    const height = d - first;
    const block = { first, width: Math.min(COVARIANCE_BLOCK, height), height, offset };
    offset += height * block.width;
    return block;
  });
}

/** Values that `covarianceBlocks` packs. */
export function covarianceLength(d: number, columns?: BlockColumns): number {
  const last = covarianceBlocks(d, columns).at(-1)!;
  return last.offset + last.height * last.width;
}
