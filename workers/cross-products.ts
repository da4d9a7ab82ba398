import type { Tasks } from '../src/executor/tasks.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import type { Matrix } from '../src/linalg/matrix.js';
import { rowTiles, SUMMED_ROWS, summedStrips } from '../src/linalg/product-shapes.js';
import { kernels, memory } from './context.js';
import { endIfInterrupted } from './interruption.js';
import { openPicked } from './picked-rows.js';
import { rowsReport } from './rows-report.js';
import { stripSizes } from './strips.js';

/**
 * Sums (a_i - s)^T (b_i - t) over pairs of rows, in float64 throughout, and with it what proves and completes it.
 *
 * Memory: the sums [d, d'], and a strip of both sides as float64.
 */
export async function crossProducts({
  rows,
  left,
  right,
  shifts,
  probe,
  backend,
}: Tasks['crossProducts']['input']): Promise<Tasks['crossProducts']['result']> {
  const [d, e] = [left.source.columns, right.source.columns];
  const strip = Math.min(SUMMED_ROWS, rows.count);
  const [leftStrip, rightStrip] = [
    stripSizes(left.source, rows, SUMMED_ROWS),
    stripSizes(right.source, rows, SUMMED_ROWS),
  ];
  const regions = memory.allot({
    leftRaw: leftStrip.raw,
    leftGamma: leftStrip.gamma,
    rightRaw: rightStrip.raw,
    rightGamma: rightStrip.gamma,
    leftShift: d * 8,
    rightShift: e * 8,
    leftColumns: strip * d * 8,
    rightColumns: strip * e * 8,
    along: strip * 8,
  });
  regions.leftShift.float64.set(shifts.left);
  regions.rightShift.float64.set(shifts.right);
  const result = {
    products: new Float64Array(d * e),
    left: { sums: new Float64Array(d), squares: 0 },
    right: { sums: new Float64Array(e), squares: 0 },
    probed: new Float64Array(d),
  };
  const leftRows = openPicked(left, { raw: regions.leftRaw, gamma: regions.leftGamma });
  const rightRows = openPicked(right, { raw: regions.rightRaw, gamma: regions.rightGamma });
  const product = await (await openBackend(backend)).outerProducts(1);
  try {
    for (const { first, count } of summedStrips(rows.count)) {
      endIfInterrupted();
      leftRows.read(first, count);
      rightRows.read(first, count);
      const a = centred(count, d, regions.leftGamma, regions.leftShift, regions.leftColumns);
      const b = centred(count, e, regions.rightGamma, regions.rightShift, regions.rightColumns);
      addMoments(result.left, a);
      addMoments(result.right, b);
      addProbe(result.probed, a, b, { probe, along: regions.along.float64.subarray(0, count) });
      const out = { values: result.products, rows: d, columns: e };
      for (const tile of rowTiles(a, out)) await product.add(tile.a, b, tile.out);
      rowsReport.advance(count);
    }
  } finally {
    await product.release();
    leftRows.close();
    rightRows.close();
  }
  return result;
}

/** Takes a shift off rows, [count, d] float32, and gives them by columns. */
function centred(
  count: number,
  d: number,
  gamma: Region,
  shift: Region,
  columns: Region,
): Matrix<Float64Array> {
  kernels.centreColumns(gamma.offset, count, d, 0, shift.offset, columns.offset);
  return { values: columns.float64.subarray(0, d * count), rows: d, columns: count };
}

/** Adds rows, by columns, to the sums of these, and their squares to the sum of all. */
function addMoments(
  moments: { sums: Float64Array; squares: number },
  { values, rows: d, columns: count }: Matrix<Float64Array>,
): void {
  const { sums } = moments;
  let squares = 0;
  for (let j = 0, at = 0; j < d; j++) {
    let sum = 0;
    for (const end = at + count; at < end; at++) {
      const value = values[at]!;
      sum += value;
      squares += value * value;
    }
    sums[j]! += sum;
  }
  moments.squares += squares;
}

/** Adds a_i (b_i . r), which the products times r must come to. @param along takes b_i . r of each row */
function addProbe(
  probed: Float64Array,
  a: Matrix<Float64Array>,
  b: Matrix<Float64Array>,
  { probe, along }: { probe: Float64Array; along: Float64Array },
): void {
  const count = along.length;
  along.fill(0);
  for (let k = 0, at = 0; k < b.rows; k++)
    for (let i = 0; i < count; i++, at++) along[i]! += b.values[at]! * probe[k]!;
  for (let j = 0, at = 0; j < a.rows; j++) {
    let sum = 0;
    for (let i = 0; i < count; i++, at++) sum += a.values[at]! * along[i]!;
    probed[j]! += sum;
  }
}
