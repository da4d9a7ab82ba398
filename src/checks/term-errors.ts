import { AdditionErrors, type SquaredSums } from './addition-errors.js';
import { type CommonErrors, CommonTerms } from './common-errors.js';
import type { EqualWeights } from './coordinate-weights.js';
import type { LikeEntries } from './like-entries.js';
import { PartialSums } from './partial-sums.js';
import { blockOf, type Summation, UNIT_ERROR } from './rounding.js';
import type { RowSpread } from './row-spread.js';

/**
 * Rounding errors of the products of all rows with each eigenvector, by the sums that their terms add up to: as `SquaredSums`, the
 * mean square of the error of p_ij.
 */
export interface TermErrors extends SquaredSums {
  common: CommonErrors;
  /** 1 where the rows lie along one direction, 1 / d where they are spread alike in all. */
  narrowness: number;
}

/** Times the mean of the rest that rows along a single direction may have: nothing averages out by which way it lies. */
const OF_ONE_DIRECTION = 4;

/** What rows are multiplied with, and how. */
export interface Products {
  /** V, [d, d] float32 row-major. */
  eigenvectors: Float32Array;
  /** Its entries of one size, as `likeEntries` finds them. */
  entries: readonly (LikeEntries | null)[];
  /** How the products are summed. */
  summation: Summation;
}

/**
 * Follows the partial sums of every column, of the mean row and of what rows differ by from it. Each addition rounds a partial sum
 * S, with an error of a variance of `UNIT_ERROR` S^2; the sums of blocks are added up in turn, and followed alike.
 *
 * Time: that of d^2 terms.
 *
 * @param weights how often weights are equal
 */
export function termErrors(
  spread: RowSpread,
  { eigenvectors, entries, summation }: Products,
  weights: EqualWeights,
): TermErrors {
  const { mean: means, coordinates, columns } = spread;
  const d = means.length;
  const narrowness = narrownessOf(columns);
  const common = new CommonTerms(spread, narrowness, weights, entries);
  const additions = new AdditionErrors(wholeWalks(coordinates, eigenvectors), columns);
  const block = new PartialSums(d);
  const whole = new PartialSums(d);
  const length = blockOf(summation);
  for (let k = 0; k < d; k++) {
    const v = eigenvectors.subarray(k * d, (k + 1) * d);
    const [mean, variance] = [means[k]!, coordinates[k]!];
    if (k % length === 0) block.clear();
    block.addTerms(v, mean, variance);
    additions.addTerms(v, { mean, variance }, block);
    common.add(k, v, additions.last);
    const isEnd = k + 1 === d || (k + 1) % length === 0;
    if (!isEnd) continue;
    whole.addSums(block);
    // The first block is not added to anything.
    if (k >= length) additions.addBlocks(whole);
  }
  const found = common.errors();
  return { ...errorsOf(additions.squared, found, { columns, narrowness }), common: found, narrowness };
}

/** Gives the errors of sums by their mean squares, with what equal terms have beyond them: of whichever kind their sums are. */
function errorsOf(
  { constant, rest, linear, square }: SquaredSums,
  { repeats }: CommonErrors,
  { columns, narrowness }: { columns: Float64Array; narrowness: number },
): SquaredSums {
  const units = repeats.map((beyond, j) => {
    if (beyond === 0) return UNIT_ERROR;
    return UNIT_ERROR + beyond / (constant[j]! + rest[j]! + square[j]! * columns[j]!);
  });
  const scaled = (squares: Float64Array, times = 1) => squares.map((value, j) => units[j]! * times * value);
  return {
    constant: scaled(constant),
    rest: scaled(rest, 1 + OF_ONE_DIRECTION * narrowness),
    linear: scaled(linear),
    square: scaled(square),
  };
}

/**
 * Concentration of variances, sum c^2 / (sum c)^2: 1 where rows lie along one direction, so that one weight tells all others,
 * and 1 / d where they are spread alike in all.
 */
function narrownessOf(variances: Float64Array): number {
  const total = variances.reduce((sum, value) => sum + value, 0);
  return total === 0 ? 1 : variances.reduce((sum, value) => sum + (value / total) ** 2, 0);
}

/** Sums of C_kk v_kj^2 over all k, [d]. */
function wholeWalks(coordinates: Float64Array, eigenvectors: Float32Array): Float64Array {
  const d = coordinates.length;
  const out = new Float64Array(d);
  for (let k = 0; k < d; k++) {
    const variance = coordinates[k]!;
    for (let j = 0, at = k * d; j < d; j++, at++) out[j]! += variance * eigenvectors[at]! ** 2;
  }
  return out;
}
