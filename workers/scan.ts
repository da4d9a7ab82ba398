import { createHash } from 'node:crypto';
import { InputError } from '../src/errors.js';
import type { Tasks } from '../src/executor/tasks.js';
import type { RowSource } from '../src/input/checkpoint.js';
import { foldRows } from '../src/linalg/fold.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import type { RowRange } from '../src/plan/row-ranges.js';
import { kernels, memory, tableKernels } from './context.js';
import { rowsReport } from './rows-report.js';
import { forEachStrip, stripSizes } from './strips.js';

/**
 * Reads rows once: hashes their stored bytes, sums their columns before a norm is folded in, so that what is made of the
 * sums is folded in float64, and checks the rows that will be projected, with it folded in.
 *
 * @throws InputError that names the row where a weight is NaN or infinite, or where float32 cannot hold its projections
 */
export async function scan({
  source,
  rows,
  hashRows = false,
  sumSquares = false,
}: Tasks['scan']['input']): Promise<Tasks['scan']['result']> {
  const d = source.columns;
  const regions = allotRegions(source, rows, hashRows);
  const { fold, ...unfolded } = source;
  const { raw, gamma, sums, vector, squares, products, hashes } = regions;
  const offsets = fold?.bias ? new Float64Array(rows.count) : null;
  const hash = createHash('sha256');
  const columnSquares = sumSquares ? new Float64Array(d) : null;
  let onlyRow: Float32Array | null = null;
  await forEachStrip(unfolded, rows, regions, ({ first, count, stored }) => {
    hash.update(stored);
    if (hashRows) {
      const target = hashes.offset + (first - rows.first) * 8;
      tableKernels.hashRows(raw.offset, count, stored.length / count, target);
    }
    kernels.addColumnSums(gamma.offset, count, d, sums.offset);
    // A float64 sum of squared float32 values cannot overflow, so it is finite exactly when every value is.
    kernels.measureRows(gamma.offset, count, d, vector.offset, squares.offset, products.offset);
    const values = gamma.float32.subarray(0, count * d);
    const bad = squares.float64.subarray(0, count).findIndex((square) => !Number.isFinite(square));
    if (bad >= 0) throw nonFiniteWeight(source, first + bad, values.subarray(bad * d, (bad + 1) * d));
    offsets?.set(products.float64.subarray(0, count), first - rows.first);
    if (fold !== undefined) {
      foldRows(values, fold);
      kernels.measureRows(gamma.offset, count, d, vector.offset, squares.offset, products.offset);
    }
    refuseExtremeRows(source, first, squares.float64.subarray(0, count));
    if (columnSquares !== null) addSquares(columnSquares, values);
    if (first === rows.first) onlyRow = values.slice(0, d);
    if (onlyRow !== null && !isRepeated(onlyRow, values)) onlyRow = null;
    rowsReport.advance(count);
  });
  return {
    sha256: hash.digest('hex'),
    columnSums: sums.float64.slice(),
    offsets,
    columnSquares,
    onlyRow,
    rowHashes: hashRows ? new BigUint64Array(hashes.bytes.slice().buffer) : null,
  };
}

function allotRegions(source: RowSource, rows: RowRange, hashRows: boolean) {
  const regions = memory.allot({
    ...stripSizes(source, rows),
    sums: source.columns * 8,
    vector: source.columns * 8,
    squares: STRIP_ROWS * 8,
    products: STRIP_ROWS * 8,
    hashes: hashRows ? rows.count * 8 : 0,
  });
  regions.sums.float64.fill(0);
  // Without a bias there is nothing to be multiplied with.
  if (source.fold?.bias) regions.vector.float64.set(source.fold.bias);
  else regions.vector.float64.fill(0);
  return regions;
}

function nonFiniteWeight({ file, tensor }: RowSource, row: number, values: Float32Array): InputError {
  const column = values.findIndex((value) => !Number.isFinite(value));
  return new InputError(
    `${file}: ${tensor ?? 'the matrix'} holds ${values[column]} at row ${row}, column ${column}; ` +
      'every weight must be finite. The checkpoint itself holds it, of a training or a conversion that went wrong: ' +
      'give another one, or name another tensor',
  );
}

/** The largest float32 is 3.403e38: a projection is as long as its row, and rounding errors may add to it. */
const LARGEST_NORM = 3.4e38;

/** The smallest float32 with all of its digits; products of smaller ones lose them. */
const LEAST_NORMAL = 2 ** -126;

/**
 * Refuses rows, other than of zeros, whose projections are beyond the range of float32, in which they are written.
 *
 * @param first number of the first row
 * @param squares of the rows' norms
 */
function refuseExtremeRows(
  { file, tensor, columns, fold }: RowSource,
  first: number,
  squares: Float64Array,
): void {
  const least = columns * LEAST_NORMAL;
  const extreme = squares.findIndex(
    (square) => !(square <= LARGEST_NORM * LARGEST_NORM) || (square > 0 && square < least * least),
  );
  if (extreme < 0) return;
  const norm = Math.sqrt(squares[extreme]!).toExponential(2);
  throw new InputError(
    `${file}: ${tensor ?? 'the matrix'} has the norm ${norm} at row ${first + extreme}${fold === undefined ? '' : ', with the final norm folded in'}, and float32, in which projections ` +
      `are written, holds norms from ${least.toExponential(1)} to ${LARGEST_NORM.toExponential(1)}; scale the matrix, or ` +
      'name another tensor',
  );
}

/** Adds the squares of rows to the sums of their columns. */
function addSquares(sums: Float64Array, rows: Float32Array): void {
  const d = sums.length;
  for (let k = 0; k < rows.length; k++) sums[k % d]! += rows[k]! * rows[k]!;
}

/** Whether `rows` are the one row again and again; of all but constant matrices the first element decides. */
function isRepeated(row: Float32Array, rows: Float32Array): boolean {
  const d = row.length;
  for (let k = 0; k < rows.length; k++) if (rows[k] !== row[k % d]) return false;
  return true;
}
