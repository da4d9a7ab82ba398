import {
  averagedSums,
  columnVariances,
  errorSums,
  meanOfColumn,
  rowsOfAverage,
  spreadOfColumn,
  squareOfColumn,
  weighedSpreadOfColumn,
} from './averages.js';
import type { Measurements } from './measurements.js';
import { type ErrorVariance, errorVariance, FLOAT32_ROUNDOFF, type Summation } from './rounding.js';
import { type SharedErrors, sharedErrors } from './shared-errors.js';
import { DEVIATIONS } from './verdict.js';
import type { RowSums, WeightedSums } from './weighted-sums.js';

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
  /** Those by the squares of the rows' weights, as the errors of averages are. */
  outliersOfErrors: Float64Array;
}

/** Share of the errors in common of its p_ij that the variance of a column has; as measured, 0.07 to 0.18. */
const OF_VARIANCE = 1 / 4;

/** Times the even square of a term that makes it an outlier: beyond four standard deviations of a normal one. */
const OUTLYING_TERM = 16;

/**
 * Variance that the error of a single product may have beyond that of all on average, as its partial sums happen to be large:
 * averages over many rows even it out. As measured, where one row has nearly all weight, errors of up to 7 standard deviations
 * of all.
 */
const FEW_ROWS_TAIL = 3;

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
 * @param rowWeights weights of the rows, [V]; null where all are alike
 */
export function errorSources(
  measurements: Measurements,
  eigenvectors: Float32Array,
  summation: Summation,
  rowWeights: Float64Array | null,
): ErrorSources {
  const { weighted } = measurements;
  const outliers = outliersOf(
    coordinateSquares(measurements, weighted?.first),
    averagedSums(measurements),
    eigenvectors,
  );
  return {
    rounding: errorVariance(measurements.sums.length, summation),
    shared: sharedErrors(measurements, rowWeights),
    outliers,
    outliersOfErrors:
      weighted === undefined
        ? outliers
        : outliersOf(coordinateSquares(measurements, weighted.second), weighted.second, eigenvectors),
  };
}

/** What the errors of columns are asked for. */
export interface ColumnErrorOptions {
  /** Whether the columns are to be added up: then equal rows are like all others in the sum. */
  ofAll?: boolean;
  /** Whether of the second moment about zero, not of the variance. */
  isUncentred?: boolean;
}

/**
 * Gives the errors of a column's mean, that of all its p_ij divided by V, and of its variance, 2/V sum_i (p_ij - m_j) times
 * the error of p_ij. Both are means over V rows, whose variance falls as 1 / V where rows have independent errors. Where rows
 * have weights w, these stand for 1 / V, and the variances of independent errors add up by w^2.
 *
 * Errors in common make it larger. A group of n equal rows counts n^2 times, not n times; which rows they are is not known
 * here, so each is taken for the largest of its column.
 */
export function columnErrors(
  measurements: Measurements,
  { rounding, shared, outliers, outliersOfErrors }: ErrorSources,
  { ofAll = false, isUncentred = false }: ColumnErrorOptions = {},
): ColumnErrors {
  const { rows, minima, maxima, weighted } = measurements;
  const average = averagedSums(measurements);
  const ofErrors = errorSums(measurements);
  const independent = rowsOfAverage(measurements);
  const d = average.sums.length;
  const errors = {
    means: new Float64Array(d),
    variances: new Float64Array(d),
    bias: new Float64Array(d),
  };
  const gammaSquare = average.gammaSquares / average.total;
  const variances = columnVariances(measurements);
  const trace = variances.reduce((total, variance) => total + variance, 0);
  const { largestGroup, equalPairs } = shared;
  const equalWeights = shared.equalWeights * shared.equalSizes;
  for (let j = 0; j < d; j++) {
    const about = isUncentred ? 0 : meanOfColumn(average, j);
    const square = squareOfColumn(average, j);
    const spread = isUncentred ? square : variances[j]!;
    const here = spreadsOf(average, j, { about, spread, outliers, rounding });
    // Of the rows with large weights, which independent errors are of above all.
    const there =
      weighted === undefined
        ? here
        : spreadsOf(ofErrors, j, { about, spread: null, outliers: outliersOfErrors, rounding });
    const squareOfErrors = squareOfColumn(ofErrors, j);
    const squaresOfErrors =
      weighted === undefined ? ofErrors.sumsOfSquares[j]! : squareOfErrors * ofErrors.total;
    const extreme = ofAll ? squareOfErrors : Math.max(minima[j]! ** 2, maxima[j]! ** 2);
    const group =
      squaresOfErrors === 0 ? 1 : Math.min(largestGroup, 1 + (equalPairs * extreme) / squaresOfErrors);
    const { noise } = here;
    const oneSided = ONE_SIDED * shared.equalWeights * Math.sqrt(spread * noise);
    errors.bias[j] = 2 * noise + 2 * oneSided;
    if (weighted !== undefined)
      errors.bias[j]! += biasOfWeights({ noise: there.noise, square, group, independent, rows });
    const alike = shareOfAlike({ square, gammaSquare, trace, d });
    const share = (group / independent) * (weighted === undefined ? 1 : 1 + FEW_ROWS_TAIL / independent);
    errors.means[j] = inAll(noise, there.noise, share, equalWeights, alike);
    // About the mean, an error that all rows have in common does nothing.
    const common = isUncentred ? [equalWeights, alike] : [OF_VARIANCE * equalWeights];
    errors.variances[j] = 4 * inAll(here.ofMoment, there.ofMoment, share, ...common);
  }
  return errors;
}

/**
 * Variance of an average.
 *
 * @param ofAll variance of the error of one, on average over all
 * @param ofIndependent that of those whose independent errors count, by the squares of their weights
 * @param independent by which share they count
 * @param common by which shares those of all do, whose errors are in common
 */
function inAll(ofAll: number, ofIndependent: number, independent: number, ...common: number[]): number {
  const shares = common.reduce((sum, share) => sum + share);
  return ofAll === ofIndependent
    ? ofAll * common.reduce((sum, share) => sum + share, independent)
    : ofIndependent * independent + ofAll * shares;
}

/**
 * Averages over rows of the variance of the error of p, and of that of (p - about) times it.
 *
 * @param spread mean of (p - about)^2; null where it is to be computed
 */
function spreadsOf(
  sums: RowSums,
  j: number,
  {
    about,
    spread,
    outliers,
    rounding: { product, norm, outlier },
  }: { about: number; spread: number | null; outliers: Float64Array; rounding: ErrorVariance },
): { noise: number; ofMoment: number } {
  const square = squareOfColumn(sums, j);
  const gammaSquare = sums.gammaSquares / sums.total;
  const ofOutliers = outlier * outliers[j]!;
  const noise = product * square + norm * gammaSquare + ofOutliers;
  const ofProducts =
    (product + (square === 0 ? 0 : ofOutliers / square)) * weighedSpreadOfColumn(sums, j, about);
  return { noise, ofMoment: ofProducts + norm * (spread ?? spreadOfColumn(sums, j, about)) * gammaSquare };
}

/**
 * What few rows with large weights add to the bias: the mean of the squares of errors is then not near its expected value, and
 * sums of products of weights are rounded in float64.
 */
function biasOfWeights({
  noise,
  square,
  group,
  independent,
  rows,
}: {
  noise: number;
  square: number;
  group: number;
  independent: number;
  rows: number;
}): number {
  const ofSquares = Math.sqrt((2 * group) / independent) * noise;
  return DEVIATIONS * (ofSquares + Math.sqrt(rows) * Number.EPSILON * square);
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
 * Mean squares of the coordinates of the rows, [d], those that were sampled, or all of those that have weights. Null where no
 * row of the checkpoint was read.
 */
function coordinateSquares(
  { weights }: Measurements,
  weighted: WeightedSums | undefined,
): Float64Array | null {
  if (weights.rows === 0) return null;
  if (weighted === undefined) return weights.squares.map((square) => square / weights.rows);
  return weighted.coordinateSquares.map((square) => square / weighted.total);
}

/**
 * Mean squares of the outliers among the terms of each column's p_ij: sum_k (gamma_k v_kj)^2 of those k where it is beyond what
 * spread weights and vectors have. Where no row was read, the squares of coordinates follow from those of the projections.
 */
function outliersOf(known: Float64Array | null, sums: RowSums, eigenvectors: Float32Array): Float64Array {
  const d = sums.sums.length;
  const squares = known ?? new Float64Array(d);
  if (known === null) {
    for (let k = 0; k < d; k++)
      for (let j = 0; j < d; j++) squares[k]! += eigenvectors[k * d + j]! ** 2 * squareOfColumn(sums, j);
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
