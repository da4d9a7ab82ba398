import type { MomentSums } from '../linalg/moments.js';
import type { Measurements } from './measurements.js';
import type { RowDeviation } from './row-deviation.js';

/** Measurements but for what is said in words, as arrays. */
export interface MeasurementArrays {
  sums: Float64Array;
  sumsOfSquares: Float64Array;
  sumsOfCubes: Float64Array;
  sumsOfFourths: Float64Array;
  minima: Float64Array;
  maxima: Float64Array;
  gammaSums: Float64Array;
  rowKeys: Float64Array;
  weightSquares: Float64Array;
  /** All that is one number, in the order of `numbersOf`. */
  numbers: Float64Array;
}

/** Gives measurements as arrays, exactly: JSON has no infinity, and nothing for what is no number. */
export function measurementArrays(measured: Measurements): MeasurementArrays {
  const { sums, sumsOfSquares, sumsOfCubes, sumsOfFourths, minima, maxima, gammaSums, rowKeys } = measured;
  const powers = { sums, sumsOfSquares, sumsOfCubes, sumsOfFourths };
  const numbers = Float64Array.from(numbersOf(measured));
  const weightSquares = measured.weights.squares;
  return { ...powers, minima, maxima, gammaSums, rowKeys, weightSquares, numbers };
}

/** Gives the measurements that arrays were made of. @param problems those found in words */
export function measurementsOf(
  { numbers, weightSquares, ...arrays }: MeasurementArrays,
  problems: string[],
): Measurements {
  const rest = [...numbers];
  const next = () => rest.shift()!;
  return {
    problems,
    ...arrays,
    rows: next(),
    gammaSquares: next(),
    weights: { rows: next(), squares: weightSquares, compared: next(), equal: next() },
    normDifference: { maximum: next(), sum: next(), ...rowDeviation(next) },
    probe: rowDeviation(next),
    alongProbe: momentSums(next),
    norm: momentSums(next),
    causalNorm: momentSums(next),
  };
}

function numbersOf({
  rows,
  gammaSquares,
  weights,
  normDifference,
  probe,
  alongProbe,
  norm,
  causalNorm,
}: Measurements): number[] {
  const moments = [alongProbe, norm, causalNorm].flatMap((sums) => [
    sums.minimum,
    sums.maximum,
    sums.sum,
    sums.sumOfSquares,
  ]);
  const { maximum, sum } = normDifference;
  const deviations = [normDifference, probe].flatMap(({ relative, tolerance, row }) => [
    relative,
    tolerance,
    row,
  ]);
  const { compared, equal } = weights;
  return [rows, gammaSquares, weights.rows, compared, equal, maximum, sum, ...deviations, ...moments];
}

function rowDeviation(next: () => number): RowDeviation {
  return { relative: next(), tolerance: next(), row: next() };
}

function momentSums(next: () => number): MomentSums {
  return { minimum: next(), maximum: next(), sum: next(), sumOfSquares: next() };
}
