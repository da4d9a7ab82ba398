import type { OuterSums } from '../linalg/backend/backend.js';
import { rowsOf } from '../linalg/product-shapes.js';
import { symmetricProduct } from '../linalg/symmetric-product.js';
import { FLOAT32_ROUNDOFF as u } from './rounding.js';
import type { StoredVectors } from './stored-vectors.js';
import { type Check, DEVIATIONS, judge } from './verdict.js';

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
 * Storing v_i as float32 moves its entry k by an error of a standard deviation of at most u |v_ki| / sqrt(3), which is
 * independent of those of entries with other digits. Their sum moves v_i . v_j by an error of a variance of at most about
 * 2 u^2 / 3 q_i q_j, and by twice as much where i = j, with the spreads q of ./stored-vectors.ts: for dense vectors q is
 * about sqrt(3 / d), for those whose entries all have the same digits, as (1, ..., 1) / sqrt(d), it is 1.
 *
 * @returns the check, and the largest | v_i . v_j | of two different vectors
 */
export async function checkOrthonormality(
  vectors: StoredVectors,
  sums: OuterSums,
): Promise<{ check: Check; largestOffDiagonal: number }> {
  const { rows, d, spreads } = vectors;
  // What each vector gives to 8 standard deviations of a product: to draw a root for every pair would take longer than them.
  const parts = spreads.map((q) => Math.sqrt(DEVIATIONS * Math.sqrt(2 / 3) * u * q));
  // No rounding can do more than turn, or lengthen, each of the two by u.
  const toleranceOf = (spread: number) => Math.min(spread, 2.5 * u) + d * Number.EPSILON;
  let worst: Pair = { i: 0, j: 0, deviation: 0, tolerance: toleranceOf(Math.SQRT2 * parts[0]! ** 2) };
  let largestOffDiagonal = 0;
  const look = (i: number, j: number, deviation: number, tolerance: number) => {
    const isWorse = deviation * worst.tolerance > worst.deviation * tolerance;
    // NaN is worse than all, and stays.
    if (isWorse || !Number.isFinite(deviation)) worst = { i, j, deviation, tolerance };
  };
  await symmetricProduct(
    rows,
    (some) => rowsOf(rows, some),
    sums,
    ({ first, width, values }) => {
      for (let i = first; i < d; i++) {
        const row = (i - first) * width - first;
        const end = Math.min(first + width, i);
        for (let j = first; j < end; j++) {
          const deviation = Math.abs(values[row + j]!);
          largestOffDiagonal = Math.max(largestOffDiagonal, deviation);
          look(i, j, deviation, toleranceOf(parts[i]! * parts[j]!));
        }
        if (i < first + width)
          look(i, i, Math.abs(values[row + i]! - 1), toleranceOf(Math.SQRT2 * parts[i]! ** 2));
      }
    },
  );
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
