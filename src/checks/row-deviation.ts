import { type ErrorVariance, FLOAT32_ROUNDOFF, MEAN_SQUARED_ERROR } from './rounding.js';
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

/**
 * Gives the tolerance of | ||gamma_i|| - ||p_i|| | / ||gamma_i||: the sum of the errors of all p_ij, each by its share
 * p_ij / ||gamma_i||, and of what storing the eigenvectors does to the norm. The latter is
 * sum_jk p_ij gamma_ik v_kj (error of v_kj), of a variance of u^2 times the mean squared error times
 * sum_jk p_ij^2 gamma_ik^2 v_kj^2, which is at most ||gamma_i||^4 times the root of the concentration.
 *
 * @param concentration sum_j p_ij^4 / (sum_j p_ij^2)^2: 1 for a row along one direction, 1 / d for one spread over all
 */
export function normTolerance({ product, norm }: ErrorVariance, concentration: number): number {
  const stored = FLOAT32_ROUNDOFF ** 2 * MEAN_SQUARED_ERROR * Math.sqrt(concentration);
  return DEVIATIONS * Math.sqrt(product * concentration + norm + stored);
}

/**
 * Gives the tolerance of |p_i . r - gamma_i . (V r)| / ||gamma_i||, for unit vectors r of random signs and of squares about
 * 1 / d: the errors of the p_ij add up with these signs, whatever they are, to the root of their mean square (Hoeffding,
 * 1963). V r is of the eigenvectors as they are stored, so storing them does nothing.
 */
export function probeTolerance({ product, norm }: ErrorVariance, d: number): number {
  return DEVIATIONS * Math.sqrt(product / d + norm);
}
