import type { ExtremeLists } from './extremes.js';
import { LISTS } from './extremes.js';
import { chooseZBins, type ZBins } from './z-bins.js';

/** What a partition's part of the tables depends on beside its bytes. */
export interface TableSettings {
  /** m = mu V, [d], and the Euclidean and causal norm of mu. */
  means: Float64Array;
  centroidNorm: number;
  causalCentroidNorm: number;
  /** Strongest directions of a token. */
  places: number;
  /** Tokens in each list of extremes. */
  top: number;
  /**
   * [d, LISTS]: the last key of every list that other partitions have filled by now, or -Infinity. Keys below need not
   * be named, so a part depends on what was known when its task began; the merged lists do not.
   */
  floors: Float64Array;
  bins: ZBins;
}

/** What one partition adds to the tables; sums are merged in partition order, counts and lists in any. */
export interface TablePart {
  zeroRows: number;
  tokens: TokenPart;
  /** Of p, [d] each. */
  minima: Float64Array;
  maxima: Float64Array;
  /** [d, 10]: q, q^2, q^3, q^4 of q = p - m; s, s^2, |s| of the Euclidean s = 90 - angle; the same of the causal one. */
  columnSums: Float64Array;
  /** int32 [d, 10]: tokens with |cos| >= 0.1, 0.2, 0.3, 0.5, 0.7, Euclidean and causal. */
  aligned: Int32Array;
  /** int32 [d, FINE_BINS] of z, on the grid of the partition's own extremes: see fine-grid.ts. */
  fineCounts: Int32Array;
  /** int32 [d, bins] of z. */
  histogram: Int32Array;
  extremes: ExtremeLists;
}

/** Of every token of a partition, [rows] each; NaN where it has none. */
export interface TokenPart {
  norm: Float64Array;
  causalNorm: Float64Array;
  centredNorm: Float64Array;
  causalCentredNorm: Float64Array;
  centroidCosine: Float64Array;
  causalCentroidCosine: Float64Array;
  participation: Float64Array;
  normError: Float64Array;
  /** int32 [rows, places] and float64 [rows, places]: the columns of the largest |z|, falling, and z. */
  directions: Int32Array;
  directionValues: Float64Array;
}

/** Strongest directions of a token that its table names. */
const PLACES = 8;

/**
 * What the parts of a run's tables depend on.
 * @param lambda eigenvalues, [d]
 * @param means m = mu V, [d]
 * @param size V, and the tokens in a list of extremes, of which there are fewer where V is smaller
 */
export function tableSettings(
  lambda: Float64Array,
  means: Float64Array,
  { rows, top }: { rows: number; top: number },
): TableSettings {
  const norm = (weight: (j: number) => number) =>
    Math.sqrt(means.reduce((sum, m, j) => sum + weight(j) * m * m, 0));
  return {
    means,
    centroidNorm: norm(() => 1),
    causalCentroidNorm: norm((j) => lambda[j]!),
    places: Math.min(PLACES, means.length),
    top: Math.min(top, rows),
    floors: new Float64Array(means.length * LISTS).fill(Number.NEGATIVE_INFINITY),
    bins: chooseZBins(lambda, means),
  };
}
