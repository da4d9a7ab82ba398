import type { Tasks } from '../src/executor/tasks.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import { emptyNormPart } from '../src/tables/norm-part.js';
import { memory } from './context.js';
import { eigenvectorValues } from './eigenvector-values.js';
import { endIfInterrupted } from './interruption.js';
import { openPicked } from './picked-rows.js';
import { rowsReport } from './rows-report.js';
import { stripSizes } from './strips.js';

/** Measures picked rows in the causal metric of their run, with and without the mean row, in float64. */
export async function causalNorms({
  rows,
  picked,
  mean,
  eigenvalues,
  eigenvectors,
  backend,
}: Tasks['causalNorms']['input']): Promise<Tasks['causalNorms']['result']> {
  const d = picked.source.columns;
  const strip = Math.min(STRIP_ROWS, rows.count);
  const regions = memory.allot({
    ...stripSizes(picked.source, rows),
    centred: strip * d * 8,
    coordinates: strip * d * 8,
  });
  const part = emptyNormPart(rows.count);
  const v = eigenvectorValues(eigenvectors);
  const reader = openPicked(picked, regions);
  const product = await (await openBackend(backend)).product(1);
  try {
    // Of the mean row the coordinates are found as those of rows are.
    const means = new Float64Array(d);
    await product.multiply({ values: Float64Array.from(mean), rows: 1, columns: d }, v, {
      values: means,
      rows: 1,
      columns: d,
    });
    for (const { first, count } of splitRows(rows.count, STRIP_ROWS)) {
      endIfInterrupted();
      reader.read(first, count);
      const [gamma, centred] = [regions.gamma.float32, regions.centred.float64];
      for (let k = 0; k < count * d; k++) centred[k] = gamma[k]! - mean[k % d]!;
      const y = regions.coordinates.float64.subarray(0, count * d);
      await product.multiply({ values: centred.subarray(0, count * d), rows: count, columns: d }, v, {
        values: y,
        rows: count,
        columns: d,
      });
      for (let i = 0; i < count; i++) {
        let [norm, centredNorm, causal, centredCausal] = [0, 0, 0, 0];
        for (let j = 0; j < d; j++) {
          const at = i * d + j;
          norm += gamma[at]! * gamma[at]!;
          centredNorm += centred[at]! * centred[at]!;
          centredCausal += eigenvalues[j]! * y[at]! * y[at]!;
          causal += eigenvalues[j]! * (y[at]! + means[j]!) ** 2;
        }
        part.norm[first + i] = Math.sqrt(norm);
        part.centredNorm[first + i] = Math.sqrt(centredNorm);
        part.causalNorm[first + i] = Math.sqrt(causal);
        part.centredCausalNorm[first + i] = Math.sqrt(centredCausal);
      }
      rowsReport.advance(count);
    }
  } finally {
    await product.release();
    reader.close();
  }
  return part;
}
