import { averagedSums, averageRow } from './averages.js';
import type { Measurements } from './measurements.js';

/** Rows that have rounding errors in common, which a mean over rows does not make smaller. */
export interface SharedErrors {
  /** Ordered pairs of two equal rows, all of whose errors are equal; of weighed rows the products of their weights. */
  equalPairs: number;
  /** Rows of the largest group of equal rows; 1 where all differ. Of weighed rows, (sum w)^2 / sum w^2 where it is largest. */
  largestGroup: number;
  /**
   * Probability that two rows have the same weight in a coordinate, as weights of few bits often are. What an addition rounds
   * off is the remainder of a product by the last place of the sum: it depends on the weight, and of the sum on nothing but
   * its size.
   */
  equalWeights: number;
  /** Share of the additions with the same weight whose sums are of the same size, so that their errors are equal. */
  equalSizes: number;
}

/** Counts what the rows have in common. @param rowWeights weights of the rows, [V]; null where all are alike */
export function sharedErrors(measurements: Measurements, rowWeights: Float64Array | null): SharedErrors {
  const { rowKeys, weights } = measurements;
  const { gammaSquares, total } = averagedSums(measurements);
  const mean = averageRow(measurements);
  const ofMean = mean.reduce((sum, value) => sum + value ** 2, 0) / (gammaSquares / total || 1);
  return {
    ...(rowWeights === null ? countEqual(rowKeys) : weighEqual(rowKeys, rowWeights)),
    // As if one pair of 64 more were equal: no number of pairs tells that there is none, and of none nothing is known.
    equalWeights: (weights.equal + 1) / (weights.compared + 64),
    // Sums of different rows are of different sizes, the more so the more terms they have. As measured, for d from 64 to 2,560:
    // 1.8 / sqrt(d) to 2.4 / sqrt(d), and up to 0.65 where the mean row makes all sums alike.
    equalSizes: Math.min(1, 2 / Math.sqrt(mean.length) + ofMean),
  };
}

/** Sums the weights of rows with equal keys. */
function weighEqual(
  keys: Float64Array,
  weights: Float64Array,
): Pick<SharedErrors, 'equalPairs' | 'largestGroup'> {
  const groups = new Map<number, { sum: number; squares: number }>();
  for (const [i, key] of keys.entries()) {
    const weight = weights[i]!;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { sum: weight, squares: weight * weight });
    else {
      group.sum += weight;
      group.squares += weight * weight;
    }
  }
  let equalPairs = 0;
  let largestGroup = 1;
  for (const { sum, squares } of groups.values()) {
    if (squares === 0) continue;
    equalPairs += Math.max(0, sum * sum - squares);
    largestGroup = Math.max(largestGroup, (sum * sum) / squares);
  }
  return { equalPairs, largestGroup };
}

function countEqual(keys: Float64Array): Pick<SharedErrors, 'equalPairs' | 'largestGroup'> {
  const sorted = keys.toSorted();
  let equalPairs = 0;
  let largestGroup = 1;
  let count = 1;
  for (let i = 1; i <= sorted.length; i++) {
    if (sorted[i] === sorted[i - 1]) {
      count++;
      continue;
    }
    equalPairs += count * (count - 1);
    largestGroup = Math.max(largestGroup, count);
    count = 1;
  }
  return { equalPairs, largestGroup };
}
