import {
  blockOf,
  type ErrorVariance,
  errorVariance,
  FLOAT32_ROUNDOFF,
  LARGEST_SIGNIFICAND,
  MEAN_SQUARED_ERROR,
  type Summation,
} from './rounding.js';
import { DEVIATIONS } from './verdict.js';

/** The row that is farthest off for its tolerance; both figures are relative to ||gamma_i||. */
export interface RowDeviation {
  relative: number;
  tolerance: number;
  row: number;
}

/** Worse of two deviations, each by its own tolerance; a NaN is worse than any number. */
export function worse<Deviation extends RowDeviation>(a: Deviation, b: Deviation): Deviation {
  if (Number.isNaN(a.relative)) return a;
  return Number.isNaN(b.relative) || b.relative * a.tolerance > a.relative * b.tolerance ? b : a;
}

/** Concentration, times d, of weights that are spread: of normal numbers it is 3 on average. */
const SPREAD = 4;

/** How concentrated a row is: sum x^4 / (sum x^2)^2, from 1 / d where all x are of one size to 1 where there is but one. */
export interface Concentration {
  /** Of the weights gamma_ik. */
  weights: number;
  /** Of the projections p_ij. */
  projections: number;
}

/** What makes equal terms, whose errors add up instead of their squares. */
export interface Repetition {
  /** Entries of one size that an entry of an eigenvector is one of, on average, where that is most: 1 where their sizes differ. */
  entries: number;
  /** Share of the weights of rows whose size another weight of the row has. */
  weights: number;
}

/** Tolerances of what is measured of a row, relative to ||gamma_i||. */
export class RowTolerances {
  readonly #d: number;
  readonly #variance: ErrorVariance;
  /** Equal terms of a product that a term is one of: of all of it, and of a block. */
  readonly #repeats: { product: number; block: number };

  /** Prepares the tolerances of rows of d numbers. @param summation how the products were summed */
  constructor(d: number, summation: Summation, { entries, weights }: Repetition) {
    this.#d = d;
    this.#variance = errorVariance(d, summation);
    const ofBlock = Math.min(1, blockOf(summation) / d);
    const repeats = (share: number) => 1 + Math.max(0, entries * share - 1) * weights;
    this.#repeats = { product: repeats(1), block: repeats(ofBlock) };
  }

  /**
   * Tolerance of | ||gamma_i|| - ||p_i|| |: the sum of the errors of all p_ij, each by its share p_ij / ||gamma_i||, and of what
   * storing the eigenvectors does to the norm. The latter is sum_jk p_ij gamma_ik v_kj (error of v_kj), of a variance of u^2
   * times the mean squared error times sum_jk p_ij^2 gamma_ik^2 v_kj^2, which is at most ||gamma_i||^4 times the root of the
   * concentration.
   *
   * Equal terms are rounded alike, so that the variance of their errors is as many times larger as there are of them. In the
   * partial sums of blocks that may be in the very columns that have most of the row: none has more than the root of the
   * concentration.
   */
  norm(row: Concentration): number {
    const { product, norm, outlier } = this.#variance;
    const root = Math.sqrt(row.projections);
    const stored = FLOAT32_ROUNDOFF ** 2 * MEAN_SQUARED_ERROR * root;
    const ofOutliers = outlier * this.#outliers(row) * root;
    const { product: ofProduct, block } = this.#repeats;
    const acrossRow = norm * (1 + (block - 1) * this.#d * root);
    const ofSums = (product * ofProduct * row.projections + acrossRow + ofOutliers) * significand(row);
    return DEVIATIONS * Math.sqrt(ofSums + stored);
  }

  /**
   * Tolerance of |p_i . r - gamma_i . (V r)|, for unit vectors r of random signs and of squares about 1 / d: the errors of the
   * p_ij add up with these signs, whatever they are, to the root of their mean square (Hoeffding, 1963). V r is of the
   * eigenvectors as they are stored, so storing them does nothing.
   */
  probe(row: Concentration): number {
    const { product, norm, outlier } = this.#variance;
    const { product: ofProduct, block } = this.#repeats;
    const alongRow = (product * ofProduct + outlier * this.#outliers(row)) / this.#d;
    const ofSums = (alongRow + norm * block) * significand(row);
    return DEVIATIONS * Math.sqrt(ofSums);
  }

  /** Share of ||gamma_i||^2 that few coordinates have beyond what spread weights have. */
  #outliers({ weights }: Concentration): number {
    return Math.sqrt(Math.max(0, weights - SPREAD / this.#d));
  }
}

/**
 * Times the mean square of errors, on average over significands, that those of a row may have: where one projection is most of
 * it, its sums may all have the same one.
 */
function significand({ projections }: Concentration): number {
  return 1 + (LARGEST_SIGNIFICAND - 1) * projections;
}
