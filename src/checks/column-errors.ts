import {
  averagedSums,
  centralMoments,
  columnVariances,
  errorSums,
  meanOfColumn,
  rowsOfAverage,
  squareOfColumn,
} from './averages.js';
import type { Expected } from './expected.js';
import { likeEntries } from './like-entries.js';
import type { Measurements } from './measurements.js';
import { FLOAT32_ROUNDOFF, LARGEST_SIGNIFICAND } from './rounding.js';
import { evenSpread, weightedSpread } from './row-spread.js';
import { type SharedErrors, sharedErrors } from './shared-errors.js';
import { type TermErrors, termErrors } from './term-errors.js';
import { DEVIATIONS } from './verdict.js';
import type { RowSums } from './weighted-sums.js';

/** Variances of the rounding errors of a column's mean and variance, and what both rest on, each [d]. */
export interface ColumnErrors {
  /** Variances of the error of mean_i p_ij. */
  means: Float64Array;
  /** Variances of the error of var_i p_ij. */
  variances: Float64Array;
  /** One standard deviation, over columns, of both variances: where it is larger, a few terms decide, and it is what to go by. */
  excesses: { means: Float64Array; variances: Float64Array };
  /** How far the variance of a column may be off on average: by its errors' mean square. */
  bias: Float64Array;
}

/** What columns have their errors of. */
export interface ErrorSources {
  shared: SharedErrors;
  /** Errors of the rows, by their weights. */
  terms: TermErrors;
  /** Those by the squares of the rows' weights, as the independent errors of averages are. */
  independent: TermErrors;
  /** Variance of the share of themselves by which the p_ij of all columns are off alike. */
  slope: number;
}

/** Share of the errors in common of its p_ij that the variance of a column has; as measured, 0.07 to 0.18. */
const OF_VARIANCE = 1 / 4;

/**
 * Share of the errors of rows along one direction that all have in common, in whatever column: each is a function of one number,
 * whose partial sums are multiples of it. As measured, up to 0.02 of their variance in the column that has most.
 */
const OF_ONE_NUMBER = 1 / 400;

/**
 * Root mean square of the share of itself by which a product may be off all of whose weights are of one size: of 0.1 or of 1/3,
 * multiples v_kj of their last place leave remainders whose mean is that of 0.1 as a float32 number, not none. As measured, up to
 * 0.27 of 2^-24, for those two.
 */
const OF_ONE_SIZE = FLOAT32_ROUNDOFF / 10;

/** Bits of float32 numbers that hardly any of 16 significant bits have. */
const LAST_BITS = 0xff;

/**
 * Variance that the error of a single product may have beyond that of all on average, as its partial sums happen to be large:
 * averages over many rows even it out. As measured, where one row has nearly all weight, errors of up to 7 standard deviations
 * of all.
 */
const FEW_ROWS_TAIL = 3;

/** Gathers the sources of errors. */
export function errorSources(measurements: Measurements, expected: Expected): ErrorSources {
  const { eigenvectors, summation, weights } = expected;
  const { weighted } = measurements;
  const shared = sharedErrors(measurements, weights);
  const spread =
    weighted === undefined
      ? evenSpread(measurements, averagedSums(measurements), expected)
      : weightedSpread(weighted.first, eigenvectors);
  const entries = likeEntries(eigenvectors, spread.mean.length);
  const products = { eigenvectors, entries, summation };
  const terms = termErrors(spread, products, shared);
  const independent =
    weighted === undefined
      ? terms
      : termErrors(weightedSpread(weighted.second, eigenvectors), products, shared);
  return { shared, terms, independent, slope: slopeOfSizes(measurements, shared) };
}

/**
 * Variance of the share of themselves by which all p_ij are off alike. Weights of several sizes are each off by a share of its
 * own; those of few bits by none, as they are simple fractions exactly or not at all.
 */
function slopeOfSizes({ weights }: Measurements, { meanEqualSizes }: SharedErrors): number {
  return (weights.bits & LAST_BITS) === 0 ? 0 : OF_ONE_SIZE ** 2 * meanEqualSizes;
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
  { shared, terms, independent: termsOfErrors, slope }: ErrorSources,
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
    excesses: { means: new Float64Array(d), variances: new Float64Array(d) },
    bias: new Float64Array(d),
  };
  const variances = columnVariances(measurements);
  const { largestGroup, equalPairs } = shared;
  const { common, narrowness } = terms;
  const ofEqual = followingShare(shared.meanEqualWeights, narrowness);
  for (let j = 0; j < d; j++) {
    const mean = meanOfColumn(average, j);
    const about = isUncentred ? 0 : mean;
    const square = squareOfColumn(average, j);
    const here = spreadsOf(average, terms, j, about);
    // Of the rows with large weights, which independent errors are of above all.
    const there = weighted === undefined ? here : spreadsOf(ofErrors, termsOfErrors, j, about);
    const squareOfErrors = squareOfColumn(ofErrors, j);
    const squaresOfErrors =
      weighted === undefined ? ofErrors.sumsOfSquares[j]! : squareOfErrors * ofErrors.total;
    const near = shared.nearPairs.reduce(
      (sum, { exponent, pairs }) =>
        sum + pairs * Math.max(shared.equalOfNear, common.reaches.shareWithin(j, exponent)),
      0,
    );
    const extreme = ofAll ? squareOfErrors : Math.max(minima[j]! ** 2, maxima[j]! ** 2);
    const large = squaresOfErrors === 0 ? 0 : extreme / squaresOfErrors;
    // A group of n rows has n^2 pairs.
    const nearGroup = Math.min((Math.sqrt(near) * independent) / average.total, near * large);
    const group = Math.min(largestGroup, 1 + equalPairs * large) + nearGroup;
    errors.bias[j] = 2 * LARGEST_SIGNIFICAND * here.noise;
    if (weighted !== undefined)
      errors.bias[j]! += biasOfWeights({ noise: there.noise, square, group, independent, rows });
    const share = (group / independent) * (weighted === undefined ? 1 : 1 + FEW_ROWS_TAIL / independent);
    // About the mean, an error that all rows have in common does nothing, but it may follow the sizes of their sums.
    const ofCommon = OF_VARIANCE * variances[j]! + (mean - about) ** 2;
    // In a sum over columns, those whose terms happen to be rounded alike weigh little: what all sums share is that of the average.
    const within = ofAll ? { variances: common.means, excesses: common.excesses } : common.within;
    const ofOneNumber = OF_ONE_NUMBER * narrowness ** 2 * here.noise;
    // What was measured is without what errors took off it.
    const variance = (Math.sqrt(variances[j]!) + Math.sqrt(here.noise)) ** 2;
    const following = variance ** 2 * common.slopes[j]! + variance * here.noise * ofEqual;
    // Of a sum over columns it is the same in all, and no part of the variance of each.
    const ofSlope = ofAll ? 0 : slope;
    errors.means[j] = there.noise * share + common.means[j]! + ofOneNumber + ofSlope * mean ** 2;
    errors.variances[j] =
      4 *
      (there.ofMoment * share +
        ofCommon * (within.variances[j]! + ofOneNumber) +
        following +
        ofSlope * (variances[j]! + (mean - about) ** 2) ** 2);
    errors.excesses.means[j] = common.excesses[j]!;
    errors.excesses.variances[j] = 4 * ofCommon * within.excesses[j]!;
  }
  return errors;
}

/**
 * Variance of the correlation of p_ij - m_j with errors of equal weights: each weight of a row is a part of p_ij, which is as
 * large as the directions are few along which rows lie, and where they lie along one tells all of it. Of weights of a few
 * values, every one is a part that is not small.
 *
 * @param equalWeights probability of equal weights
 * @param narrowness 1 over the number of directions
 */
function followingShare(equalWeights: number, narrowness: number): number {
  const ofFewValues = Math.min(1, equalWeights * (1 + 60 * equalWeights));
  return ofFewValues * narrowness * (1 + 4 * narrowness);
}

/** Averages over rows of the variance of the error of p, and of that of (p - about) times it. */
function spreadsOf(
  sums: RowSums,
  { constant, rest, linear, square }: TermErrors,
  j: number,
  about: number,
): { noise: number; ofMoment: number } {
  const { mean, second, third, fourth } = centralMoments(sums, j);
  const off = mean - about;
  // Rows of many lengths have large errors where they are far from the mean.
  const tails = second === 0 ? 1 : Math.max(1, fourth / (3 * second * second));
  return {
    noise: constant[j]! + rest[j]! + square[j]! * second,
    ofMoment: Math.max(
      0,
      constant[j]! * (second + off * off) +
        rest[j]! * (second * tails + off * off) +
        linear[j]! * (third + 2 * off * second) +
        square[j]! * (fourth + 2 * off * third + off * off * second),
    ),
  };
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
