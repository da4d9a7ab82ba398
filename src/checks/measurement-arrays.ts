import type { MomentSums } from '../linalg/moments.js';
import type { Measurements } from './measurements.js';
import type { RowDeviation } from './row-deviation.js';
import type { RowSums, WeightedMeasurements } from './weighted-sums.js';

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
  weightDifferences: Float64Array;
  equalWeights: Float64Array;
  oppositeWeights: Float64Array;
  repeatedWeights: Float64Array;
  /** All that is one number, in the order of `numbersOf`. */
  numbers: Float64Array;
  /** Sums by the rows' weights and by their squares, the arrays one after another, [10 d]; absent without weights. */
  weightedArrays?: Float64Array;
  /** What of those is one number: total and ||gamma||^2 by the weights, and by their squares. */
  weightedNumbers?: Float64Array;
}

/** Names of the arrays that all measurements have. */
export const measurementArrayNames = [
  'sums',
  'sumsOfSquares',
  'sumsOfCubes',
  'sumsOfFourths',
  'minima',
  'maxima',
  'gammaSums',
  'rowKeys',
  'weightDifferences',
  'equalWeights',
  'oppositeWeights',
  'repeatedWeights',
  'numbers',
] as const satisfies readonly (keyof MeasurementArrays)[];

/** Gives measurements as arrays, exactly: JSON has no infinity, and nothing for what is no number. */
export function measurementArrays(measured: Measurements): MeasurementArrays {
  const { sums, sumsOfSquares, sumsOfCubes, sumsOfFourths, minima, maxima, gammaSums, rowKeys } = measured;
  const powers = { sums, sumsOfSquares, sumsOfCubes, sumsOfFourths };
  const numbers = Float64Array.from(numbersOf(measured));
  const {
    differences: weightDifferences,
    equal: equalWeights,
    opposite: oppositeWeights,
    repeated: repeatedWeights,
  } = measured.weights;
  const weighted = measured.weighted === undefined ? {} : weightedAsArrays(measured.weighted);
  return {
    ...powers,
    minima,
    maxima,
    gammaSums,
    rowKeys,
    weightDifferences,
    equalWeights,
    oppositeWeights,
    repeatedWeights,
    numbers,
    ...weighted,
  };
}

/** Gives the measurements that arrays were made of. @param problems those found in words */
export function measurementsOf(
  {
    numbers,
    weightDifferences,
    equalWeights,
    oppositeWeights,
    repeatedWeights,
    weightedArrays,
    weightedNumbers,
    ...arrays
  }: MeasurementArrays,
  problems: string[],
): Measurements {
  const rest = [...numbers];
  const next = () => rest.shift()!;
  return {
    problems,
    ...arrays,
    rows: next(),
    gammaSquares: next(),
    weights: {
      differences: weightDifferences,
      compared: next(),
      equal: equalWeights,
      opposite: oppositeWeights,
      repeated: repeatedWeights,
      bits: next(),
    },
    normDifference: { maximum: next(), sum: next(), ...rowDeviation(next) },
    probe: rowDeviation(next),
    alongProbe: momentSums(next),
    norm: momentSums(next),
    causalNorm: momentSums(next),
    ...(weightedArrays === undefined || weightedNumbers === undefined
      ? {}
      : { weighted: weightedOf(weightedArrays, weightedNumbers) }),
  };
}

/** Arrays of weighted sums, in the order in which they are kept. */
const weightedNames = [
  'sums',
  'sumsOfSquares',
  'sumsOfCubes',
  'sumsOfFourths',
] as const satisfies readonly (keyof RowSums)[];

function weightedAsArrays({
  gammaSums,
  first,
  second,
}: WeightedMeasurements): Required<Pick<MeasurementArrays, 'weightedArrays' | 'weightedNumbers'>> {
  // Both are about the same centres.
  const parts = [
    gammaSums,
    first.centres!,
    ...[first, second].flatMap((sums) => weightedNames.map((name) => sums[name])),
  ];
  const d = gammaSums.length;
  const weightedArrays = new Float64Array(parts.length * d);
  for (const [k, part] of parts.entries()) weightedArrays.set(part, k * d);
  const numbers = [first, second].flatMap(({ total, gammaSquares }) => [total, gammaSquares]);
  return { weightedArrays, weightedNumbers: Float64Array.from(numbers) };
}

function weightedOf(arrays: Float64Array, numbers: Float64Array): WeightedMeasurements {
  const d = arrays.length / (2 + 2 * weightedNames.length);
  const at = (k: number) => arrays.slice(k * d, (k + 1) * d);
  const sums = (which: 0 | 1): RowSums => {
    const named = weightedNames.map((name, k) => [name, at(2 + which * weightedNames.length + k)]);
    return {
      ...(Object.fromEntries(named) as Pick<RowSums, (typeof weightedNames)[number]>),
      centres: at(1),
      total: numbers[2 * which]!,
      gammaSquares: numbers[2 * which + 1]!,
    };
  };
  return { gammaSums: at(0), first: sums(0), second: sums(1) };
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
  return [rows, gammaSquares, weights.compared, weights.bits, maximum, sum, ...deviations, ...moments];
}

function rowDeviation(next: () => number): RowDeviation {
  return { relative: next(), tolerance: next(), row: next() };
}

function momentSums(next: () => number): MomentSums {
  return { minimum: next(), maximum: next(), sum: next(), sumOfSquares: next() };
}
