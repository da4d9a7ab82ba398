import type { Multiplication } from '../linalg/backend/backend.js';
import { symmetricProduct } from '../linalg/symmetric-product.js';
import { FLOAT32_ROUNDOFF as u } from './identities.js';
import { type Check, DEVIATIONS, judge } from './verdict.js';

/** Eigenvectors in float64, as they are stored. */
export interface StoredVectors {
  /** V^T, [d, d] row-major: row j is the eigenvector j. */
  transposed: Float64Array;
  d: number;
}

/** Pair of eigenvectors, and how far their product is from 0, or from 1 where they are one. */
interface Pair {
  i: number;
  j: number;
  deviation: number;
  tolerance: number;
}

/**
 * Judges V^T V = I, of every pair of eigenvectors by itself.
 *
 * Storing v_i as float32 moves its entry k by an error that is independent of all others, of a standard deviation of at most
 * u |v_ki| / sqrt(3). Their sum moves v_i . v_j by an error of a variance of at most 2 u^2 / 3 sum_k v_ki^2 v_kj^2, and by
 * twice as much where i = j; the sum is at most q_i q_j with q_i = ||v_i||_4^2. For dense vectors that is about 3 / d, for
 * unit vectors, which are exact, 1.
 *
 * @returns the check, and the largest | v_i . v_j | of two different vectors
 */
export async function checkOrthonormality(
  vectors: StoredVectors,
  product: Multiplication,
): Promise<{ check: Check; largestOffDiagonal: number }> {
  const { transposed: a, d } = vectors;
  const q = Float64Array.from({ length: d }, (_, i) => squaredFourNorm(a.subarray(i * d, (i + 1) * d)));
  const toleranceOf = (i: number, j: number) => {
    const spread = Math.sqrt(((i === j ? 4 : 2) / 3) * q[i]! * q[j]!) * u;
    // No rounding can do more than turn, or lengthen, each of the two by u.
    return Math.min(DEVIATIONS * spread, 2.5 * u) + d * Number.EPSILON;
  };
  let worst: Pair = { i: 0, j: 0, deviation: 0, tolerance: toleranceOf(0, 0) };
  let largestOffDiagonal = 0;
  await symmetricProduct({ a, n: d }, product, ({ first, width, values }) => {
    for (let i = first; i < d; i++) {
      const end = Math.min(first + width, i + 1);
      for (let j = first; j < end; j++) {
        const value = values[(i - first) * width + j - first]!;
        const deviation = Math.abs(i === j ? value - 1 : value);
        if (i !== j) largestOffDiagonal = Math.max(largestOffDiagonal, deviation);
        const tolerance = toleranceOf(i, j);
        const isWorse = deviation * worst.tolerance > worst.deviation * tolerance;
        // NaN is worse than all, and stays.
        if (isWorse || !Number.isFinite(deviation)) worst = { i, j, deviation, tolerance };
      }
    }
  });
  const pair = worst.i === worst.j ? `eigenvector ${worst.i}` : `eigenvectors ${worst.j} and ${worst.i}`;
  return {
    check: {
      name: 'orthonormality',
      what: '| V^T V - I |, where it is largest for its tolerance',
      ...judge(worst.deviation, worst.tolerance),
      detail: `worst of ${pair}`,
    },
    largestOffDiagonal,
  };
}

/** Square of the norm (sum_k x_k^4)^(1/4). */
function squaredFourNorm(x: Float64Array): number {
  let sum = 0;
  // Not value ** 4, which is fifty times slower.
  for (const value of x) sum += value * value * value * value;
  return Math.sqrt(sum);
}
