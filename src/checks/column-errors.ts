import { columnVariances, type Measurements } from './measurements.js';
import { type ErrorVariance, errorVariance, FLOAT32_ROUNDOFF, type Summation } from './rounding.js';
import { type SharedErrors, sharedErrors } from './shared-errors.js';

/** Variances of the rounding errors of a column's mean and variance, and what both rest on, each [d]. */
export interface ColumnErrors {
  /** Variances of the error of mean_i p_ij. */
  means: Float64Array;
  /** Variances of the error of var_i p_ij. */
  variances: Float64Array;
  /** How far the variance of a column may be off on average: its errors' mean square, and what is rounded to one side. */
  bias: Float64Array;
}

/** What columns have their errors of. */
export interface ErrorSources {
  rounding: ErrorVariance;
  shared: SharedErrors;
  /** Mean squares of the parts of each column's p_ij that are due to outliers among its terms, [d]. */
  outliers: Float64Array;
}

/** Share of the errors in common of its p_ij that the variance of a column has; as measured, 0.07 to 0.18. */
const OF_VARIANCE = 1 / 4;

/** Times the even square of a term that makes it an outlier: beyond four standard deviations of a normal one. */
const OUTLYING_TERM = 16;

/**
 * Correlation of p_ij with its error, times the probability of equal weights: where all weights are of one size, products may
 * always be rounded off to one side. Weights of +-0.1, of a probability of 1 / 2, have a correlation of 0.066.
 */
const ONE_SIDED = 0.3;

/**
 * Gathers the sources of errors.
 *
 * @param eigenvectors V, float32 [d, d] row-major
 * @param summation how the products were summed
 */
export function errorSources(
  measurements: Measurements,
  eigenvectors: Float32Array,
  summation: Summation,
): ErrorSources {
  return {
    rounding: errorVariance(measurements.sums.length, summation),
    shared: sharedErrors(measurements),
    outliers: outliersOf(measurements, eigenvectors),
  };
}

/**
 * Gives the errors of a column's mean, that of all its p_ij divided by V, and of its variance, 2/V sum_i (p_ij - m_j) times
 * the error of p_ij. Both are means over V rows, whose variance falls as 1 / V where rows have independent errors.
 *
 * Errors in common make it larger. A group of n equal rows counts n^2 times, not n times; which rows they are is not known
 * here, so each is taken for the largest of its column.
 *
 * @param ofAll whether the columns are to be added up: then equal rows are like all others in the sum
 */
export function columnErrors(
  measurements: Measurements,
  { rounding: { product, norm, outlier }, shared, outliers }: ErrorSources,
  ofAll = false,
): ColumnErrors {
  const { rows, sums, sumsOfSquares, sumsOfCubes, sumsOfFourths, minima, maxima } = measurements;
  const d = sums.length;
  const errors = {
    means: new Float64Array(d),
    variances: new Float64Array(d),
    bias: new Float64Array(d),
  };
  const gammaSquare = measurements.gammaSquares / rows;
  const variances = columnVariances(measurements);
  const trace = variances.reduce((total, variance) => total + variance, 0);
  for (let j = 0; j < d; j++) {
    const mean = sums[j]! / rows;
    const square = sumsOfSquares[j]! / rows;
    // Mean of (p - m)^2 p^2 over the rows.
    const fourth = (sumsOfFourths[j]! - 2 * mean * sumsOfCubes[j]!) / rows + mean * mean * square;
    const weighted = Math.max(0, fourth);
    const ofOutliers = outlier * outliers[j]!;
    const extreme = ofAll ? square : Math.max(minima[j]! ** 2, maxima[j]! ** 2);
    const { largestGroup, equalPairs } = shared;
    const equalWeights = shared.equalWeights * shared.equalSizes;
    const group = square === 0 ? 1 : Math.min(largestGroup, 1 + (equalPairs * extreme) / sumsOfSquares[j]!);
    const noise = product * square + norm * gammaSquare + ofOutliers;
    const oneSided = ONE_SIDED * shared.equalWeights * Math.sqrt(variances[j]! * noise);
    errors.bias[j] = 2 * noise + 2 * oneSided;
    const alike = shareOfAlike({ square, gammaSquare, trace, d });
    errors.means[j] = noise * (group / rows + equalWeights + alike);
    const ofProducts = (product + (square === 0 ? 0 : ofOutliers / square)) * weighted;
    errors.variances[j] =
      4 * (ofProducts + norm * variances[j]! * gammaSquare) * (group / rows + OF_VARIANCE * equalWeights);
  }
  return errors;
}

/**
 * Share of errors in common of rows that are nearly the same row: where a term gamma_ik v_kj differs among them by less than
 * the last place of the sums, it is rounded off alike. That place is 2 u times about the size of p_j; the terms differ by
 * sqrt(tr C / d) v_kj, of which v_kj may be any part of its typical 1 / sqrt(d). Terms that are themselves smaller than the last
 * place add no error, so it matters only where the mean row is much larger than the differences.
 */
function shareOfAlike({
  square,
  gammaSquare,
  trace,
  d,
}: {
  square: number;
  gammaSquare: number;
  trace: number;
  d: number;
}): number {
  if (trace === 0) return 0;
  const size = Math.sqrt(Math.max(square, gammaSquare / d));
  const ofMean = Math.max(0, gammaSquare - trace) / trace;
  return Math.min(1, ofMean / 100) * Math.min(1, (FLOAT32_ROUNDOFF * size * d) / Math.sqrt(trace));
}

/**
 * Mean squares of the outliers among the terms of each column's p_ij: sum_k (gamma_k v_kj)^2 of those k where it is beyond what
 * spread weights and vectors have. Where no row was sampled, the squares of coordinates follow from those of the projections.
 */
function outliersOf(
  { rows, sumsOfSquares, weights }: Measurements,
  eigenvectors: Float32Array,
): Float64Array {
  const d = sumsOfSquares.length;
  const squares = new Float64Array(d);
  for (let k = 0; k < d; k++) {
    if (weights.rows > 0) squares[k] = weights.squares[k]! / weights.rows;
    else
      for (let j = 0; j < d; j++) squares[k]! += (eigenvectors[k * d + j]! ** 2 * sumsOfSquares[j]!) / rows;
  }
  const even = squares.reduce((total, square) => total + square, 0) / d ** 2;
  const outliers = new Float64Array(d);
  for (let k = 0; k < d; k++) {
    const least = (OUTLYING_TERM * even) / squares[k]!;
    for (let j = 0; j < d; j++) {
      const part = eigenvectors[k * d + j]! ** 2;
      if (part > least) outliers[j]! += squares[k]! * part;
    }
  }
  return outliers;
}
