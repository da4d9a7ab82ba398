import type { CausalNormsInput, Tasks } from '../src/executor/tasks.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import { emptyNormPart } from '../src/tables/norm-part.js';
import { forEachCentredStrip } from './centred-strips.js';
import { eigenvectorValues } from './eigenvector-values.js';

/** Measures picked rows in the causal metric of their run, with and without the mean row, in float64. */
export async function causalNorms(input: CausalNormsInput): Promise<Tasks['causalNorms']['result']> {
  const { rows, mean, eigenvalues, eigenvectors, backend } = input;
  const d = mean.length;
  const part = emptyNormPart(rows.count);
  const v = eigenvectorValues(eigenvectors);
  const product = await (await openBackend(backend)).product(1);
  try {
    // Of the mean row the coordinates are found as those of rows are.
    const means = new Float64Array(d);
    const shape = { rows: 1, columns: d };
    await product.multiply({ values: Float64Array.from(mean), ...shape }, v, { values: means, ...shape });
    await forEachCentredStrip(input, { product, v }, ({ first, count, gamma, centred, coordinates: y }) => {
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
    });
  } finally {
    await product.release();
  }
  return part;
}
