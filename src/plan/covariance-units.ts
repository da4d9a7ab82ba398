import { type BlockColumns, blockColumnsOf, covarianceLength } from './covariance-blocks.js';
import { type RowRange, splitRows } from './row-ranges.js';

/** Fewest rows that are worth a unit of their own: reading them must not take longer than multiplying them. */
const LEAST_ROWS = 8192;

/**
 * Units that a covariance is divided into where it is large enough: 2, 3, 4, 6 and 12 threads have equal shares of them. More would
 * leave more partial sums, each of which has to be written, read and merged.
 */
const UNITS = 12;

/**
 * Bytes of the sums that a unit keeps in memory, from which on there are two groups of block columns at least. Every group reads
 * its rows and centres them, which takes a twentieth of the time of a covariance at d = 2560.
 */
const LARGE_SUMS = 2 ** 25;

/** Fewest block columns that are worth a group of their own. */
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
  const wanted = sumBytes < LARGE_SUMS ? UNITS : UNITS / 2;
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
