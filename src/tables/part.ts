import type { ExtremeLists } from './extremes.js';
import { chooseZBins, type ZBins } from './z-bins.js';

/** Metrics in which the angle of a token to a direction is taken, in the order of their sums. */
export const angleMetrics = ['euclidean', 'causal'] as const;

/** Sums of the powers of q = p - m that a column has: q, q^2, q^3, q^4. */
export const MOMENT_SUMS = 4;

/** Sums of s = 90 - angle that a column has in each metric: s, s^2, |s|. */
export const ANGLE_SUMS = 3;

/** Sums that a column has: those of q, then those of s, metric by metric. */
export const COLUMN_SUMS = MOMENT_SUMS + ANGLE_SUMS * angleMetrics.length;

/** Thresholds of |cos|, in hundredths, from which on a token counts as aligned: those of assembly/tables.ts. */
export const alignments = [10, 20, 30, 50, 70] as const;

/** Counts of aligned tokens that a column has: one a threshold, metric by metric. */
export const COLUMN_ALIGNMENTS = alignments.length * angleMetrics.length;

/** Settings on which a partition's part of the tables depends beside its bytes. */
export interface TableSettings {
  /** m = mu V, [d]. */
  means: Float64Array;
  /** Euclidean norm of mu. */
  centroidNorm: number;
  /** Causal norm of mu. */
  causalCentroidNorm: number;
  /** Number of strongest directions of a token. */
  places: number;
  /** Number of tokens in each list of extremes. */
  top: number;
  /** Bins of the histograms of z. */
  bins: ZBins;
  /** Sum of the weights of all rows that the moments of the columns are taken with: V, or 1 where rows have weights. */
  momentTotal: number;
  /** Whether sums of exponentials are taken: where the directions are the eigenvectors of W^T W itself. */
  hasExponentials: boolean;
}

/** What the tables of a run are made for. */
export interface TableSize {
  /** V */
  rows: number;
  /** Tokens in a list of extremes, of which there are fewer where V is smaller. */
  top: number;
  /** Whether rows have weights of their own. */
  isWeighted: boolean;
  /** Whether the directions are the eigenvectors of W^T W itself, W the rows. */
  areOfRows: boolean;
}

/** Part of one partition in the tables; sums are merged in partition order, counts and lists in any. */
export interface TablePart {
  /** Number of rows of zeros. */
  zeroRows: number;
  tokens: TokenPart;
  /** Smallest p of each column, [d]. */
  minima: Float64Array;
  /** Largest p of each column, [d]. */
  maxima: Float64Array;
  /** Sums over the rows, [d, COLUMN_SUMS]; moments with the rows' weights, where they have some. */
  columnSums: Float64Array;
  /** Sums of the Euclidean cosines of each column, [d]. */
  cosineSums: Float64Array;
  /** Logarithms of sum exp(p) and of sum exp(-p) of each column, [d, 2]; absent where nobody asks for them. */
  exponentials?: Float64Array;
  /** Tokens with |cos| at or above each threshold, int32 [d, COLUMN_ALIGNMENTS]. */
  aligned: Int32Array;
  /** Counts of z, int32 [d, FINE_BINS], on the grid of the partition's own extremes: see fine-grid.ts. */
  fineCounts: Int32Array;
  /** Counts of z, int32 [d, bins]. */
  histogram: Int32Array;
  extremes: ExtremeLists;
}

/** Figures of every token of a partition, [rows] each; NaN where a token has none. */
export interface TokenPart {
  norm: Float64Array;
  causalNorm: Float64Array;
  centredNorm: Float64Array;
  causalCentredNorm: Float64Array;
  centroidCosine: Float64Array;
  causalCentroidCosine: Float64Array;
  participation: Float64Array;
  normError: Float64Array;
  /** Columns of the largest |z|, falling, int32 [rows, places]. */
  directions: Int32Array;
  /** z of these columns, [rows, places]. */
  directionValues: Float64Array;
}

/** Strongest directions of a token that its table names. */
export const PLACES = 8;

/**
 * Settings of the parts of a run's tables.
 * @param lambda eigenvalues, [d]
 * @param means m = mu V, [d]
 */
export function tableSettings(
  lambda: Float64Array,
  means: Float64Array,
  { rows, top, isWeighted, areOfRows }: TableSize,
): TableSettings {
  const norm = (weight: (j: number) => number) =>
    Math.sqrt(means.reduce((sum, m, j) => sum + weight(j) * m * m, 0));
  return {
    means,
    centroidNorm: norm(() => 1),
    causalCentroidNorm: norm((j) => lambda[j]!),
    places: Math.min(PLACES, means.length),
    top: Math.min(top, rows),
    bins: chooseZBins(lambda, means),
    momentTotal: isWeighted ? 1 : rows,
    hasExponentials: areOfRows,
  };
}

/** All arrays of a part. */
export function arraysOf({ tokens, extremes, ...columns }: TablePart): ArrayBufferView[] {
  return [tokens, extremes, columns].flatMap((arrays) => Object.values(arrays)).filter(ArrayBuffer.isView);
}
