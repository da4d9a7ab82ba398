import { productRounding } from '../checks/rounding.js';
import { type Check, judge } from '../checks/verdict.js';
import type { FileRecord } from '../files/file-record.js';
import { planSafetensorsFile } from '../formats/plan-safetensors.js';
import { KIND_METADATA } from '../input/vectors.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import { matrixTimesColumn } from '../linalg/matrix-times-column.js';
import { writeRecordedFile } from '../output/recorded-file.js';
import type { VectorSpace } from '../plan/vector-kind.js';
import type { MeasuredList } from '../tables/concept-geometry.js';

/** Directions of concepts as vectors, and their duals, float32 [concepts, d] each. */
export interface ConceptVectors {
  vectors: Float32Array;
  duals: Float32Array;
  checks: Check[];
}

/**
 * Makes the vectors of concepts: the mean difference over its causal norm, and the dual M g, a steering vector. A concept
 * without a direction has zeros.
 */
export function conceptVectors(
  lists: readonly MeasuredList[],
  { eigenvalues, eigenvectors }: Pick<StoredEigenbasis, 'eigenvalues' | 'eigenvectors'>,
): ConceptVectors {
  const d = eigenvalues.length;
  const vectors = new Float32Array(lists.length * d);
  const duals = new Float32Array(lists.length * d);
  const worst = { norm: 0, dual: 0 };
  for (const [c, { mean, norms }] of lists.entries()) {
    if (!(norms.causal > 0)) continue;
    const a = mean.map((value) => value / norms.causal);
    const vector = matrixTimesColumn(eigenvectors, a);
    const dual = matrixTimesColumn(
      eigenvectors,
      a.map((value, j) => eigenvalues[j]! * value),
    );
    vectors.set(vector, c * d);
    duals.set(dual, c * d);
    const norm = normOf(vector);
    worst.norm = Math.max(worst.norm, Math.abs(norm / normOf(a) - 1));
    const product = vector.reduce((sum, value, j) => sum + value * dual[j]!, 0);
    worst.dual = Math.max(worst.dual, Math.abs(product - 1) / (norm * normOf(dual)));
  }
  const tolerance = productRounding(d);
  return {
    vectors,
    duals,
    checks: [
      { name: 'concept norms', what: 'max | ||g|| / ||a|| - 1 |', ...judge(worst.norm, tolerance) },
      {
        name: 'concept duals',
        what: 'max | g . M g - 1 | / (||g|| ||M g||), of concepts of the causal norm 1',
        ...judge(worst.dual, tolerance),
      },
    ],
  };
}

function normOf(vector: Float64Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}

/** Writes both as files that `project` takes, whose metadata name the concepts in their order. */
export function writeConceptVectors(
  folder: string,
  { vectors, duals }: ConceptVectors,
  { names, space }: { names: readonly string[]; space: VectorSpace },
  metadata: Record<string, string>,
): FileRecord[] {
  const shape = [names.length, vectors.length / names.length];
  return (
    [
      ['vectors', 'token', vectors],
      ['duals', 'hidden', duals],
    ] as const
  ).map(([name, kind, values]) => {
    const layout = planSafetensorsFile(
      { [name]: { dtype: 'float32', shape } },
      {
        ...metadata,
        [KIND_METADATA]: kind,
        'eigenshard.space': space,
        'eigenshard.names': JSON.stringify(names),
      },
    );
    return writeRecordedFile(folder, `${name}.safetensors`, layout, [values]);
  });
}
