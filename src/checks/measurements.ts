import { addTo } from '../linalg/add-to.js';
import { type MomentSums, mergeMomentSums } from '../linalg/moments.js';
import { type RowDeviation, worse } from './row-deviation.js';
import { mergeWeighted, type WeightedMeasurements } from './weighted-sums.js';

/** What some rows of a checkpoint tell of its weights. */
export interface WeightSample {
  /** Sums over pairs of rows of the squares of what each coordinate differs by, [d]. */
  differences: Float64Array;
  /** Pairs of rows that differ. */
  compared: number;
  /** Those of these pairs whose weights of a coordinate are equal, and not 0, [d]. */
  equal: Float64Array;
  /** Those of these pairs whose weights of a coordinate differ by their sign alone, [d]. */
  opposite: Float64Array;
  /** Those of these pairs in whose first row another weight is of the same size as that of a coordinate, and not 0, [d]. */
  repeated: Float64Array;
  /** Bits that some weight of the rows compared has, of a float32 number's 32. */
  bits: number;
}

/** Measurements of one partition, or of several merged in their order. d = hidden size. */
export interface Measurements {
  /** Faults of the files themselves: checksum, ids, layout, non-finite values; empty when all is well. */
  problems: string[];
  rows: number;
  /** Sums of each column of the projections, sum_i p_ij, [d]. */
  sums: Float64Array;
  /** Sums of the squares of each column, sum_i p_ij^2, [d]. */
  sumsOfSquares: Float64Array;
  /** Sums of the third powers of each column, sum_i p_ij^3, [d]. */
  sumsOfCubes: Float64Array;
  /** Sums of the fourth powers of each column, sum_i p_ij^4, [d]. */
  sumsOfFourths: Float64Array;
  /** Smallest p of each column, [d]. */
  minima: Float64Array;
  /** Largest p of each column, [d]. */
  maxima: Float64Array;
  /** Sums of each column of the checkpoint, sum_i gamma_ij, [d]. */
  gammaSums: Float64Array;
  /** Sum of the checkpoint's squares, sum_i ||gamma_i||^2. */
  gammaSquares: number;
  /** A number of each row, [rows]: gamma_i . (V r) of the second probe vector. Equal rows have equal ones. */
  rowKeys: Float64Array;
  weights: WeightSample;
  /** Difference | ||gamma_i|| - ||p_i|| |: its maximum, its sum, and the row where it is largest for its tolerance. */
  normDifference: RowDeviation & { maximum: number; sum: number };
  /** Deviation |p_i . r - gamma_i . (V r)| of the probe, of the two vectors r together. */
  probe: RowDeviation;
  /** Projections p_i . r on the first probe vector. */
  alongProbe: MomentSums;
  /** Euclidean norms ||p_i||. */
  norm: MomentSums;
  /** Causal norms sqrt(sum_j lambda_j p_ij^2). */
  causalNorm: MomentSums;
  /** By the weights of the rows; absent where all are alike, and all else is as if they were. */
  weighted?: WeightedMeasurements;
}

/** Sums of the columns, which are added up. */
const SUMS = ['sums', 'sumsOfSquares', 'sumsOfCubes', 'sumsOfFourths', 'gammaSums'] as const;

/** What is counted and added up of each coordinate of the rows' weights. */
const SAMPLED = ['differences', 'equal', 'opposite', 'repeated'] as const;

/**
 * Merges the measurements of partitions, in order; every sum is float64.
 * @throws RangeError where there is none
 */
export function mergeMeasurements(parts: readonly Measurements[]): Measurements {
  const [first, ...rest] = parts;
  if (first === undefined) throw new RangeError('mergeMeasurements: there is no partition');
  const merged: Measurements = {
    ...first,
    ...copies(first, [...SUMS, 'minima', 'maxima']),
    problems: [...first.problems],
    rowKeys: concatenated(parts.map(({ rowKeys }) => rowKeys)),
    weights: { ...first.weights, ...copies(first.weights, SAMPLED) },
  };
  const { minima, maxima, weights } = merged;
  for (const part of rest) {
    merged.problems.push(...part.problems);
    merged.rows += part.rows;
    merged.gammaSquares += part.gammaSquares;
    for (const name of SUMS) addTo(merged[name], part[name]);
    for (let j = 0; j < minima.length; j++) {
      minima[j] = Math.min(minima[j]!, part.minima[j]!);
      maxima[j] = Math.max(maxima[j]!, part.maxima[j]!);
    }
    merged.normDifference = {
      ...worse(merged.normDifference, part.normDifference),
      maximum: Math.max(merged.normDifference.maximum, part.normDifference.maximum),
      sum: merged.normDifference.sum + part.normDifference.sum,
    };
    for (const name of SAMPLED) addTo(weights[name], part.weights[name]);
    weights.compared += part.weights.compared;
    weights.bits |= part.weights.bits;
    merged.probe = worse(merged.probe, part.probe);
    merged.alongProbe = mergeMomentSums(merged.alongProbe, part.alongProbe);
    merged.norm = mergeMomentSums(merged.norm, part.norm);
    merged.causalNorm = mergeMomentSums(merged.causalNorm, part.causalNorm);
    if (merged.weighted !== undefined && part.weighted !== undefined)
      merged.weighted = mergeWeighted(merged.weighted, part.weighted);
  }
  return merged;
}

/** Copies of some arrays, by their names. */
function copies<Name extends string>(
  arrays: Readonly<Record<Name, Float64Array>>,
  names: readonly Name[],
): Record<Name, Float64Array> {
  return Object.fromEntries(names.map((name) => [name, arrays[name].slice()])) as Record<Name, Float64Array>;
}

function concatenated(arrays: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(arrays.reduce((length, array) => length + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}
