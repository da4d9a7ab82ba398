import { type CommonErrors, CommonTerms, type EqualWeights } from './common-errors.js';
import { likeEntries } from './like-entries.js';
import { blockOf, type Summation, UNIT_ERROR } from './rounding.js';
import type { RowSpread } from './row-spread.js';

/** Rounding errors of the products of all rows with each eigenvector, by the sums that their terms add up to. Arrays are [d]. */
export interface TermErrors {
  /**
   * Mean square of the error of p_ij, with x = p_ij less its mean: constant + rest + linear x + square x^2. The rest is of what
   * rows differ by across v_j, which grows with their size.
   */
  constant: Float64Array;
  rest: Float64Array;
  linear: Float64Array;
  square: Float64Array;
  common: CommonErrors;
  /** 1 where the rows lie along one direction, 1 / d where they are spread alike in all. */
  narrowness: number;
}

/** Times the mean of the rest that rows along a single direction may have: nothing averages out by which way it lies. */
const OF_ONE_DIRECTION = 4;

/**
 * Follows the partial sums of every column, of the mean row and of what rows differ by from it.
 *
 * Each addition rounds a partial sum S, with an error of a variance of `UNIT_ERROR` S^2. Of the first k terms, S is by
 * p_ij = m_j + x: that of the mean row; plus q x, with q their share of ||v_j||^2, since gamma_k varies with p_j by v_kj; plus
 * the rest, of a variance of W_k - q^2 W_d, with W the sum of C_kk v_kj^2, as random terms have that walk to a known end. The
 * sums of blocks that are added up are followed alike.
 *
 * Time: that of d^2 terms.
 *
 * @param eigenvectors V, [d, d] float32 row-major
 * @param summation how the products were summed
 * @param equal how often two rows have the same weight in a coordinate
 */
export function termErrors(
  spread: RowSpread,
  eigenvectors: Float32Array,
  summation: Summation,
  equal: EqualWeights,
): TermErrors {
  const { mean, coordinates, columns } = spread;
  const d = mean.length;
  const zeros = () => new Float64Array(d);
  const [constant, rest, linear, square] = [zeros(), zeros(), zeros(), zeros()];
  const narrowness = narrownessOf(columns);
  const common = new CommonTerms(spread, narrowness, equal, likeEntries(eigenvectors, d));
  const walks = wholeWalks(coordinates, eigenvectors);
  const block = new PartialSums(d);
  const whole = new PartialSums(d);
  const length = blockOf(summation);
  const sizes = zeros();
  const ofMean = zeros();
  for (let k = 0; k < d; k++) {
    const v = eigenvectors.subarray(k * d, (k + 1) * d);
    if (k % length === 0) block.clear();
    block.addTerms(v, mean[k]!, coordinates[k]!);
    for (let j = 0; j < d; j++) {
      const term = mean[k]! * v[j]!;
      const walk = coordinates[k]! * v[j]! * v[j]!;
      const sum = block.sums[j]!;
      const share = block.shares[j]!;
      const across = Math.max(0, block.walks[j]! - share * share * walks[j]!);
      // Not all libraries add a product before it is rounded.
      constant[j]! += sum * sum + term * term;
      rest[j]! += across + walk;
      linear[j]! += 2 * sum * share;
      square[j]! += share * share;
      ofMean[j] = sum * sum;
      sizes[j] = sum * sum + across + share * share * columns[j]!;
    }
    common.add(k, v, { sizes, ofMean });
    if (!(k + 1 === d || (k + 1) % length === 0)) continue;
    whole.addSums(block);
    // The first block is not added to anything.
    if (k < length) continue;
    for (let j = 0; j < d; j++) {
      const sum = whole.sums[j]!;
      const share = whole.shares[j]!;
      constant[j]! += sum * sum;
      rest[j]! += Math.max(0, whole.walks[j]! - share * share * walks[j]!);
      linear[j]! += 2 * sum * share;
      square[j]! += share * share;
    }
  }
  const found = common.errors();
  // Equal terms are rounded alike whatever sum they are added to, and of whichever kind it is.
  const larger = found.repeats.map((beyond, j) => {
    const apart = UNIT_ERROR * (constant[j]! + rest[j]! + square[j]! * columns[j]!);
    return beyond === 0 ? 1 : 1 + beyond / apart;
  });
  const scaled = (values: Float64Array, times = 1) =>
    values.map((value, j) => UNIT_ERROR * times * larger[j]! * value);
  return {
    constant: scaled(constant),
    rest: scaled(rest, 1 + OF_ONE_DIRECTION * narrowness),
    linear: scaled(linear),
    square: scaled(square),
    common: found,
    narrowness,
  };
}

/** What the terms of each column have added up to. Arrays are [d]. */
class PartialSums {
  /** Of the mean row. */
  readonly sums: Float64Array;
  /** Of the squares v_kj^2. */
  readonly shares: Float64Array;
  /** Of the variances C_kk v_kj^2. */
  readonly walks: Float64Array;

  /** Begins with sums of nothing. */
  constructor(d: number) {
    this.sums = new Float64Array(d);
    this.shares = new Float64Array(d);
    this.walks = new Float64Array(d);
  }

  clear(): void {
    for (const values of [this.sums, this.shares, this.walks]) values.fill(0);
  }

  /** Adds the terms of a coordinate. @param v its entries of the eigenvectors, [d] */
  addTerms(v: Float32Array, mean: number, variance: number): void {
    const { sums, shares, walks } = this;
    for (let j = 0; j < v.length; j++) {
      const entry = v[j]!;
      sums[j]! += mean * entry;
      shares[j]! += entry * entry;
      walks[j]! += variance * entry * entry;
    }
  }

  /** Adds what other terms have added up to. */
  addSums(other: PartialSums): void {
    for (let j = 0; j < this.sums.length; j++) {
      this.sums[j]! += other.sums[j]!;
      this.shares[j]! += other.shares[j]!;
      this.walks[j]! += other.walks[j]!;
    }
  }
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
