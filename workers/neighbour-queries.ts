import type { CausalNormsInput, Tasks } from '../src/executor/tasks.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { transposed } from '../src/linalg/transpose.js';
import { forEachCentredStrip } from './centred-strips.js';
import { eigenvectorValues } from './eigenvector-values.js';

/**
 * Computes M (gamma_q - mu) of picked rows in float64, each divided by its length, which changes no order of cosines, and
 * makes a unit vector of which float32 loses no more than its rounding.
 */
export async function neighbourQueries(
  input: CausalNormsInput,
): Promise<Tasks['neighbourQueries']['result']> {
  const { rows, mean, eigenvalues, eigenvectors, backend } = input;
  const d = mean.length;
  const v = eigenvectorValues(eigenvectors);
  const back = { values: transposed(v.values, d), rows: d, columns: d };
  const queries = new Float64Array(rows.count * d);
  const product = await (await openBackend(backend)).product(1);
  try {
    await forEachCentredStrip(input, { product, v }, async ({ first, count, centred, coordinates }) => {
      for (let k = 0; k < count * d; k++) coordinates[k]! *= eigenvalues[k % d]!;
      const shape = { rows: count, columns: d };
      await product.multiply({ values: coordinates, ...shape }, back, { values: centred, ...shape });
      for (let i = 0; i < count; i++) {
        const query = centred.subarray(i * d, (i + 1) * d);
        let squares = 0;
        for (const value of query) squares += value * value;
        const length = squares > 0 ? Math.sqrt(squares) : 1;
        for (let j = 0; j < d; j++) queries[(first + i) * d + j] = query[j]! / length;
      }
    });
  } finally {
    await product.release();
  }
  return { queries };
}
