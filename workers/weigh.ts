import type { Tasks } from '../src/executor/tasks.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { kernels, memory } from './context.js';
import { rowsReport } from './rows-report.js';
import { forEachStrip, stripSizes } from './strips.js';

/** Multiplies rows with a vector, in float64: gamma_i . h of every row. */
export async function products({
  source,
  rows,
  vector: given,
}: Tasks['products']['input']): Promise<Tasks['products']['result']> {
  const d = source.columns;
  const regions = memory.allot({
    ...stripSizes(source, rows),
    vector: d * 8,
    squares: STRIP_ROWS * 8,
    products: rows.count * 8,
  });
  const { gamma, vector, squares, products } = regions;
  vector.float64.set(given);
  await forEachStrip(source, rows, regions, ({ first, count }) => {
    const target = products.offset + (first - rows.first) * 8;
    kernels.measureRows(gamma.offset, count, d, vector.offset, squares.offset, target);
    rowsReport.advance(count);
  });
  return { products: products.float64.slice() };
}

/** Sums rows, each times its weight, in float64. */
export async function weightedSum({
  source,
  rows,
  weights,
}: Tasks['weightedSum']['input']): Promise<Tasks['weightedSum']['result']> {
  const d = source.columns;
  const regions = memory.allot(stripSizes(source, rows));
  const { gamma } = regions;
  const sum = new Float64Array(d);
  await forEachStrip(source, rows, regions, ({ first, count }) => {
    const values = gamma.float32;
    for (let i = 0; i < count; i++) {
      const weight = weights[first - rows.first + i]!;
      if (weight === 0) continue;
      for (let k = 0, at = i * d; k < d; k++, at++) sum[k]! += weight * values[at]!;
    }
    rowsReport.advance(count);
  });
  return { sum };
}
