import type { LikeEntries } from './like-entries.js';

/**
 * What the terms of one column have beyond their sums, where entries of one size make equal terms of equal weights. Equal terms are
 * rounded alike: of n of them with a variance s^2 each, the errors add up to a variance of (n s)^2, not n s^2.
 */
export class LikeTerms {
  /** Of the error that all rows have in common. */
  readonly common: LikeSums;
  /** Of how far that may be from its mean, by the column, as standard deviations. */
  readonly excesses: LikeSums;
  /** Of the share of p_ij - m_j by which errors follow it. */
  readonly slopes: LikeSums;
  /** Of the error of a single p_ij. */
  readonly own: LikeSums;

  /** Begins without terms. */
  constructor(entries: LikeEntries) {
    this.common = new LikeSums(entries);
    this.excesses = new LikeSums(entries);
    this.slopes = new LikeSums(entries);
    this.own = new LikeSums(entries);
  }
}

/** Sums over the groups of entries of one size. */
class LikeSums {
  readonly #groups: Uint32Array;
  readonly #sums: Float64Array;
  #variances = 0;

  constructor({ groups, count }: LikeEntries) {
    this.#groups = groups;
    this.#sums = new Float64Array(count + 1);
  }

  /** Adds the variance that term k has by itself. */
  add(k: number, variance: number): void {
    const group = this.#groups[k]!;
    if (group === 0) return;
    this.#sums[group]! += Math.sqrt(variance);
    this.#variances += variance;
  }

  /** Variance of all terms beyond the sum of their own. */
  beyond(): number {
    return Math.max(0, this.#sums.reduce((total, sum) => total + sum * sum, 0) - this.#variances);
  }

  /** Sum of the squares of the groups' variances. */
  squares(): number {
    return this.#sums.reduce((total, sum) => total + sum ** 4, 0);
  }
}
