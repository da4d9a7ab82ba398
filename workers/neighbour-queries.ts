import type { Tasks } from '../src/executor/tasks.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { transposed } from '../src/linalg/transpose.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import { memory } from './context.js';
import { eigenvectorValues } from './eigenvector-values.js';
import { endIfInterrupted } from './interruption.js';
import { openPicked } from './picked-rows.js';
import { rowsReport } from './rows-report.js';
import { stripSizes } from './strips.js';

/**
 * Computes M (gamma_q - mu) of picked rows in float64, each divided by its length, which changes no order of cosines, and
 * makes a unit vector of which float32 loses no more than its rounding.
 */
export async function neighbourQueries({
  rows,
  picked,
  mean,
  eigenvalues,
  eigenvectors,
  backend,
}: Tasks['neighbourQueries']['input']): Promise<Tasks['neighbourQueries']['result']> {
  const d = picked.source.columns;
  const strip = Math.min(STRIP_ROWS, rows.count);
  const regions = memory.allot({
    ...stripSizes(picked.source, rows),
    centred: strip * d * 8,
    coordinates: strip * d * 8,
  });
  const v = eigenvectorValues(eigenvectors);
  const back = { values: transposed(v.values, d), rows: d, columns: d };
  const queries = new Float64Array(rows.count * d);
  const reader = openPicked(picked, regions);
  const product = await (await openBackend(backend)).product(1);
  try {
    for (const { first, count } of splitRows(rows.count, STRIP_ROWS)) {
      endIfInterrupted();
      reader.read(first, count);
      const centred = regions.centred.float64.subarray(0, count * d);
      for (let k = 0; k < count * d; k++) centred[k] = regions.gamma.float32[k]! - mean[k % d]!;
      const y = regions.coordinates.float64.subarray(0, count * d);
      const shape = { rows: count, columns: d };
      await product.multiply({ values: centred, ...shape }, v, { values: y, ...shape });
      for (let k = 0; k < count * d; k++) y[k]! *= eigenvalues[k % d]!;
      await product.multiply({ values: y, ...shape }, back, { values: centred, ...shape });
      for (let i = 0; i < count; i++) {
        const query = centred.subarray(i * d, (i + 1) * d);
        let squares = 0;
        for (const value of query) squares += value * value;
        const length = squares > 0 ? Math.sqrt(squares) : 1;
        for (let j = 0; j < d; j++) queries[(first + i) * d + j] = query[j]! / length;
      }
      rowsReport.advance(count);
    }
  } finally {
    await product.release();
    reader.close();
  }
  return { queries };
}
