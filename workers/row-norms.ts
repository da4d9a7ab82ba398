import type { Tasks } from '../src/executor/tasks.js';
import { memory } from './context.js';
import { rowsReport } from './rows-report.js';
import { forEachStrip, stripSizes } from './strips.js';

/** Takes the norms of rows of a matrix, summed in float64. */
export async function rowNorms({
  source,
  rows,
}: Tasks['rowNorms']['input']): Promise<Tasks['rowNorms']['result']> {
  const d = source.columns;
  const regions = memory.allot(stripSizes(source, rows));
  const norms = new Float64Array(rows.count);
  await forEachStrip(source, rows, regions, ({ first, count }) => {
    for (let i = 0; i < count; i++) {
      let square = 0;
      for (const value of regions.gamma.float32.subarray(i * d, (i + 1) * d)) square += value * value;
      norms[first - rows.first + i] = Math.sqrt(square);
    }
    rowsReport.advance(count);
  });
  return { norms };
}
