import { type BlockColumns, blockColumnsOf, covarianceLength } from './covariance-blocks.js';
import { type RowRange, splitRows } from './row-ranges.js';

/** Fewest rows that are worth a unit of their own: reading them must not take longer than multiplying them. */
const LEAST_ROWS = 8192;

/** Units that a covariance is divided into where it is large enough: many machines share them, and none does too many. */
const UNITS = 20;

/** Groups of block columns at least, where there are more than a few: each group of rows leaves less for them to be summed. */
const COLUMN_GROUPS = 2;

/** Fewest block columns that are worth a group of their own: every group reads its rows and centres them. */
const LEAST_BLOCKS = 8;

/** Bytes that all partial sums take together, at most: they lie on disk until the covariance is complete. */
const MOST_BYTES = 2e9;

/** Unit of a covariance: the sums over some rows, in some block columns of the lower triangle. */
export interface CovarianceUnit {
  rows: RowRange;
  columns: BlockColumns;
}

/**
 * Divides a covariance [d, d] over V rows into units: groups of rows, as many as their partial sums leave room for, times
 * groups of block columns of about equal work. It depends on V and d alone, as the bits of the sums do. The units of a
 * group of columns follow each other, by their rows.
 */
export function covarianceUnits(rows: number, d: number): CovarianceUnit[] {
  const sumBytes = covarianceLength(d) * 8;
  const mostGroups = Math.ceil(blockColumnsOf(d) / LEAST_BLOCKS);
  const wanted = Math.ceil(UNITS / Math.min(COLUMN_GROUPS, mostGroups));
  const groups = Math.max(
    1,
    Math.min(wanted, Math.floor(MOST_BYTES / sumBytes), Math.floor(rows / LEAST_ROWS)),
  );
  const ranges = splitRows(rows, Math.ceil(rows / groups));
  const columnGroups = Math.min(mostGroups, Math.ceil(UNITS / ranges.length));
  return balancedColumns(d, columnGroups).flatMap((columns) =>
    ranges.map((range) => ({ rows: range, columns })),
  );
}

/** Groups of block columns that follow each other, each of about as many values. */
function balancedColumns(d: number, groups: number): BlockColumns[] {
  const columns = blockColumnsOf(d);
  // Block column b of n holds n - b squares of the lower triangle.
  const squaresBefore = (b: number) => b * columns - (b * (b - 1)) / 2;
  const all = squaresBefore(columns);
  const starts = [0];
  for (let b = 1; b < columns && starts.length < groups; b++) {
    const left = groups - starts.length;
    const isFull = squaresBefore(b) >= (all * starts.length) / groups;
    if (isFull || columns - b <= left) starts.push(b);
  }
  return starts.map((first, k) => ({ first, end: starts[k + 1] ?? columns }));
}
