import type { Tasks } from '../src/executor/tasks.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { rowTiles, SUMMED_ROWS, summedStrips } from '../src/linalg/product-shapes.js';
import { kernels, memory } from './context.js';
import { endIfInterrupted } from './interruption.js';
import { openPicked } from './picked-rows.js';
import { rowsReport } from './rows-report.js';
import { stripSizes } from './strips.js';

/**
 * Sums (a_i - s)^T (b_i - t) over pairs of rows, in float64 throughout, and with it what proves and completes it.
 *
 * Memory: the sums [d, d'], and a strip of both sides as float64, of the left one twice.
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
    leftPanel: strip * d * 8,
    leftTransposed: strip * d * 8,
    rightPanel: strip * e * 8,
    rightTransposed: strip * e * 8,
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
  const product = await (await openBackend(backend)).accumulatingProduct(1);
  try {
    for (const { first, count } of summedStrips(rows.count)) {
      endIfInterrupted();
      leftRows.read(first, count);
      rightRows.read(first, count);
      centre(count, d, {
        gamma: regions.leftGamma,
        shift: regions.leftShift,
        panel: regions.leftPanel,
        transposed: regions.leftTransposed,
      });
      centre(count, e, {
        gamma: regions.rightGamma,
        shift: regions.rightShift,
        panel: regions.rightPanel,
        transposed: regions.rightTransposed,
      });
      const a = regions.leftPanel.float64.subarray(0, count * d);
      const b = regions.rightPanel.float64.subarray(0, count * e);
      addMoments(result.left, a);
      addMoments(result.right, b);
      addProbe(result.probed, a, b, probe);
      const transposed = {
        values: regions.leftTransposed.float64.subarray(0, count * d),
        rows: d,
        columns: count,
      };
      const out = { values: result.products, rows: d, columns: e };
      for (const tile of rowTiles(transposed, out))
        await product.accumulate(tile.a, { values: b, rows: count, columns: e }, tile.out);
      rowsReport.advance(count);
    }
  } finally {
    await product.release();
    leftRows.close();
    rightRows.close();
  }
  return result;
}

/** Takes a shift off rows: float64 [count, columns] in `panel`, and its transpose. */
function centre(
  count: number,
  columns: number,
  { gamma, shift, panel, transposed }: Record<'gamma' | 'shift' | 'panel' | 'transposed', Region>,
): void {
  kernels.centreRows(gamma.offset, count, columns, 0, shift.offset, columns, panel.offset, transposed.offset);
}

/** Adds rows to the sums of their columns, and their squares to the sum of all. */
function addMoments(moments: { sums: Float64Array; squares: number }, rows: Float64Array): void {
  const { sums } = moments;
  const d = sums.length;
  let squares = 0;
  for (let first = 0; first < rows.length; first += d)
    for (let j = 0; j < d; j++) {
      const value = rows[first + j]!;
      sums[j]! += value;
      squares += value * value;
    }
  moments.squares += squares;
}

/** Adds a_i (b_i . r), which the products times r must come to. */
function addProbe(probed: Float64Array, a: Float64Array, b: Float64Array, probe: Float64Array): void {
  const [d, e] = [probed.length, probe.length];
  const rows = a.length / d;
  for (let i = 0; i < rows; i++) {
    let along = 0;
    for (let k = 0; k < e; k++) along += b[i * e + k]! * probe[k]!;
    for (let j = 0; j < d; j++) probed[j]! += a[i * d + j]! * along;
  }
}
