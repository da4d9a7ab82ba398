import type { MomentSums } from '../linalg/moments.js';
import type { Measurements } from './measurements.js';

/** Measurements but for what is said in words, as arrays. */
export interface MeasurementArrays {
  sums: Float64Array;
  sumsOfSquares: Float64Array;
  minima: Float64Array;
  maxima: Float64Array;
  gammaSums: Float64Array;
  /** All that is one number, in the order of `numbersOf`. */
  numbers: Float64Array;
}

/** Gives measurements as arrays, exactly: JSON has no infinity, and nothing for what is no number. */
export function measurementArrays(measured: Measurements): MeasurementArrays {
  const { sums, sumsOfSquares, minima, maxima, gammaSums } = measured;
  return { sums, sumsOfSquares, minima, maxima, gammaSums, numbers: Float64Array.from(numbersOf(measured)) };
}

/** Gives the measurements that arrays were made of. @param problems those found in words */
export function measurementsOf(
  { sums, sumsOfSquares, minima, maxima, gammaSums, numbers }: MeasurementArrays,
  problems: string[],
): Measurements {
  const rest = [...numbers];
  const next = () => rest.shift()!;
  return {
    problems,
    sums,
    sumsOfSquares,
    minima,
    maxima,
    gammaSums,
    rows: next(),
    gammaSquares: next(),
    normDifference: { maximum: next(), sum: next(), maximumRelative: next(), row: next() },
    probe: { maximumRelative: next(), row: next() },
    alongProbe: momentSums(next),
    norm: momentSums(next),
    causalNorm: momentSums(next),
  };
}

function numbersOf({
  rows,
  gammaSquares,
  normDifference,
  probe,
  alongProbe,
  norm,
  causalNorm,
}: Measurements): number[] {
  const { maximum, sum, maximumRelative, row } = normDifference;
  const moments = [alongProbe, norm, causalNorm].flatMap((sums) => [
    sums.minimum,
    sums.maximum,
    sums.sum,
    sums.sumOfSquares,
  ]);
  return [
    rows,
    gammaSquares,
    maximum,
    sum,
    maximumRelative,
    row,
    probe.maximumRelative,
    probe.row,
    ...moments,
  ];
}

function momentSums(next: () => number): MomentSums {
  return { minimum: next(), maximum: next(), sum: next(), sumOfSquares: next() };
}
