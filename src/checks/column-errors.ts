import type { EqualRows } from './equal-rows.js';
import type { Measurements } from './measurements.js';
import type { ErrorVariance } from './rounding.js';

/** Rounding errors of means over a column's rows, each [d]. */
export interface ColumnErrors {
  /** Standard deviations of the error of mean_i p_ij, where all rows differ. */
  means: Float64Array;
  /** Standard deviations of the error of var_i p_ij, where all rows differ. */
  variances: Float64Array;
  /** Mean squares of the errors of p_ij, by which the variance of a column is too large. */
  noise: Float64Array;
  /** By how much equal rows make these variances larger, at least 1: their errors are equal, too. */
  sharing: Float64Array;
}

/**
 * Gives the errors of a column's mean, that of all its p_ij divided by V, and of its variance, 2/V sum_i (p_ij - m_j) times
 * the error of p_ij. Both are means over V rows with independent errors: they shrink as sqrt(V).
 *
 * A group of n equal rows counts n^2 times, not n times. Which rows they are is not known here, so each is taken for the
 * largest of its column.
 */
export function columnErrors(
  measurements: Measurements,
  { product, norm }: ErrorVariance,
  { pairs, largest }: EqualRows,
): ColumnErrors {
  const { rows, sums, sumsOfSquares, sumsOfCubes, sumsOfFourths, minima, maxima } = measurements;
  const d = sums.length;
  const errors = {
    means: new Float64Array(d),
    variances: new Float64Array(d),
    noise: new Float64Array(d),
    sharing: new Float64Array(d),
  };
  const gammaSquare = measurements.gammaSquares / rows;
  for (let j = 0; j < d; j++) {
    const mean = sums[j]! / rows;
    const square = sumsOfSquares[j]! / rows;
    const variance = Math.max(0, square - mean * mean);
    // mean_i of (p - m)^2 p^2
    const weighted = Math.max(
      0,
      (sumsOfFourths[j]! - 2 * mean * sumsOfCubes[j]!) / rows + mean * mean * square,
    );
    const extreme = Math.max(minima[j]! ** 2, maxima[j]! ** 2);
    errors.noise[j] = product * square + norm * gammaSquare;
    errors.means[j] = Math.sqrt(errors.noise[j]! / rows);
    errors.variances[j] = 2 * Math.sqrt((product * weighted + norm * variance * gammaSquare) / rows);
    errors.sharing[j] = square === 0 ? 1 : Math.min(largest, 1 + (pairs * extreme) / sumsOfSquares[j]!);
  }
  return errors;
}
