import { createHash } from 'node:crypto';
import { InputError } from '../src/errors.js';
import type { Tasks } from '../src/executor/tasks.js';
import type { RowSource } from '../src/input/checkpoint.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import type { RowRange } from '../src/plan/row-ranges.js';
import { kernels, memory, tableKernels } from './context.js';
import { forEachStrip, stripSizes } from './strips.js';

/**
 * Reads rows once: hashes their stored bytes, sums their columns.
 * @throws InputError that names row, column and value when a weight is NaN or infinite.
 */
export async function scan({
  source,
  rows,
  hashRows = false,
  sumSquares = false,
}: Tasks['scan']['input']): Promise<Tasks['scan']['result']> {
  const d = source.columns;
  const regions = allotRegions(source, rows, hashRows);
  const { raw, gamma, sums, zeros, squares, products, hashes } = regions;
  const hash = createHash('sha256');
  const columnSquares = sumSquares ? new Float64Array(d) : null;
  let onlyRow: Float32Array | null = null;
  await forEachStrip(source, rows, regions, ({ first, count, stored }) => {
    hash.update(stored);
    if (hashRows) {
      const target = hashes.offset + (first - rows.first) * 8;
      tableKernels.hashRows(raw.offset, count, stored.length / count, target);
    }
    kernels.addColumnSums(gamma.offset, count, d, sums.offset);
    // A float64 sum of squared float32 values cannot overflow, so it is finite exactly when every value is.
    kernels.measureRows(gamma.offset, count, d, zeros.offset, squares.offset, products.offset);
    const values = gamma.float32.subarray(0, count * d);
    const bad = squares.float64.subarray(0, count).findIndex((square) => !Number.isFinite(square));
    if (bad >= 0) throw nonFiniteWeight(source, first + bad, values.subarray(bad * d, (bad + 1) * d));
    if (columnSquares !== null) addSquares(columnSquares, values);
    if (first === rows.first) onlyRow = values.slice(0, d);
    if (onlyRow !== null && !isRepeated(onlyRow, values)) onlyRow = null;
  });
  return {
    sha256: hash.digest('hex'),
    columnSums: sums.float64.slice(),
    columnSquares,
    onlyRow,
    rowHashes: hashRows ? new BigUint64Array(hashes.bytes.slice().buffer) : null,
  };
}

function allotRegions(source: RowSource, rows: RowRange, hashRows: boolean) {
  const regions = memory.allot({
    ...stripSizes(source, rows),
    sums: source.columns * 8,
    zeros: source.columns * 8,
    squares: STRIP_ROWS * 8,
    products: STRIP_ROWS * 8,
    hashes: hashRows ? rows.count * 8 : 0,
  });
  regions.sums.float64.fill(0);
  regions.zeros.float64.fill(0);
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
