import type { PartialSums } from './partial-sums.js';

/** Mean squares of sums that additions round, in which x = p_ij less its mean: constant + rest + linear x + square x^2, [d] each. */
export interface SquaredSums {
  /** Of the mean row. */
  constant: Float64Array;
  /** Of what rows differ by across v_j, which grows with their size. */
  rest: Float64Array;
  linear: Float64Array;
  square: Float64Array;
}

/**
 * Adds up the mean squares of all sums that additions round. Of the first k terms, a sum S is by p_ij = m_j + x: that of the mean
 * row; plus q x, with q their share of ||v_j||^2, since gamma_k varies with p_j by v_kj; plus the rest, of a variance of
 * W_k - q^2 W_d, with W the sum of C_kk v_kj^2, as random terms have that walk to a known end.
 */
export class AdditionErrors {
  readonly squared: SquaredSums;
  /** Mean squares of the sums that the last terms were added to, and of them what is the mean row's, [d] each. */
  readonly last: { sizes: Float64Array; ofMean: Float64Array };
  readonly #walks: Float64Array;
  readonly #variances: Float64Array;

  /**
   * Begins without additions.
   *
   * @param walks W_d of each column, [d]
   * @param variances variances of the columns, [d]
   */
  constructor(walks: Float64Array, variances: Float64Array) {
    const zeros = () => new Float64Array(walks.length);
    this.squared = { constant: zeros(), rest: zeros(), linear: zeros(), square: zeros() };
    this.last = { sizes: zeros(), ofMean: zeros() };
    this.#walks = walks;
    this.#variances = variances;
  }

  /**
   * Takes the additions of the terms of a coordinate.
   *
   * @param v its entries of the eigenvectors, [d]
   * @param coordinate mean and variance of its weights
   * @param reached the sums, with these terms
   */
  addTerms(v: Float32Array, coordinate: { mean: number; variance: number }, reached: PartialSums): void {
    const { constant, rest, linear, square } = this.squared;
    const { sizes, ofMean } = this.last;
    const { sums, shares, walks } = reached;
    const { mean, variance } = coordinate;
    for (let j = 0; j < v.length; j++) {
      const entry = v[j]!;
      const term = mean * entry;
      const sum = sums[j]!;
      const share = shares[j]!;
      const across = Math.max(0, walks[j]! - share * share * this.#walks[j]!);
      // Not all libraries add a product before it is rounded.
      constant[j]! += sum * sum + term * term;
      rest[j]! += across + variance * entry * entry;
      linear[j]! += 2 * sum * share;
      square[j]! += share * share;
      ofMean[j] = sum * sum;
      sizes[j] = sum * sum + across + share * share * this.#variances[j]!;
    }
  }

  /** Takes the additions of sums of blocks. @param reached what these have added up to */
  addBlocks({ sums, shares, walks }: PartialSums): void {
    const { constant, rest, linear, square } = this.squared;
    for (let j = 0; j < sums.length; j++) {
      const sum = sums[j]!;
      const share = shares[j]!;
      constant[j]! += sum * sum;
      rest[j]! += Math.max(0, walks[j]! - share * share * this.#walks[j]!);
      linear[j]! += 2 * sum * share;
      square[j]! += share * share;
    }
  }
}
