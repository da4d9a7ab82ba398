import { type MomentSums, mergeMomentSums } from '../linalg/moments.js';

/** Measurements of one partition, or of several merged in their order. d = hidden size. */
export interface Measurements {
  /** Faults of the files themselves: checksum, ids, layout, non-finite values; empty when all is well. */
  problems: string[];
  rows: number;
  /** Sums of each column of the projections, sum_i p_ij, [d]. */
  sums: Float64Array;
  /** Sums of the squares of each column, sum_i p_ij^2, [d]. */
  sumsOfSquares: Float64Array;
  /** Smallest p of each column, [d]. */
  minima: Float64Array;
  /** Largest p of each column, [d]. */
  maxima: Float64Array;
  /** Sums of each column of the checkpoint, sum_i gamma_ij, [d]. */
  gammaSums: Float64Array;
  /** Sum of the checkpoint's squares, sum_i ||gamma_i||^2. */
  gammaSquares: number;
  /**
   * Difference | ||gamma_i|| - ||p_i|| |: its maximum, its sum, and the maximum relative to ||gamma_i|| with its row.
   */
  normDifference: { maximum: number; sum: number; maximumRelative: number; row: number };
  /** Deviation |p_i . r - gamma_i . (V r)| / ||gamma_i|| of the probe: its maximum with its row. */
  probe: { maximumRelative: number; row: number };
  /** Projections p_i . r on the probe's vector r. */
  alongProbe: MomentSums;
  /** Euclidean norms ||p_i||. */
  norm: MomentSums;
  /** Causal norms sqrt(sum_j lambda_j p_ij^2). */
  causalNorm: MomentSums;
}

/**
 * Merges the measurements of partitions, in order; every sum is float64.
 * @throws RangeError where there is none
 */
export function mergeMeasurements(parts: readonly Measurements[]): Measurements {
  const [first, ...rest] = parts;
  if (first === undefined) throw new RangeError('mergeMeasurements: there is no partition');
  const merged: Measurements = {
    ...first,
    problems: [...first.problems],
    sums: first.sums.slice(),
    sumsOfSquares: first.sumsOfSquares.slice(),
    minima: first.minima.slice(),
    maxima: first.maxima.slice(),
    gammaSums: first.gammaSums.slice(),
  };
  for (const part of rest) {
    merged.problems.push(...part.problems);
    merged.rows += part.rows;
    merged.gammaSquares += part.gammaSquares;
    for (let j = 0; j < merged.sums.length; j++) {
      merged.sums[j]! += part.sums[j]!;
      merged.sumsOfSquares[j]! += part.sumsOfSquares[j]!;
      merged.gammaSums[j]! += part.gammaSums[j]!;
      merged.minima[j] = Math.min(merged.minima[j]!, part.minima[j]!);
      merged.maxima[j] = Math.max(merged.maxima[j]!, part.maxima[j]!);
    }
    merged.normDifference = {
      ...worse(merged.normDifference, part.normDifference),
      maximum: Math.max(merged.normDifference.maximum, part.normDifference.maximum),
      sum: merged.normDifference.sum + part.normDifference.sum,
    };
    merged.probe = worse(merged.probe, part.probe);
    merged.alongProbe = mergeMomentSums(merged.alongProbe, part.alongProbe);
    merged.norm = mergeMomentSums(merged.norm, part.norm);
    merged.causalNorm = mergeMomentSums(merged.causalNorm, part.causalNorm);
  }
  return merged;
}

/** Variances of the columns of the projections, [d]; their sum is the trace of C, in whatever orthonormal basis. */
export function columnVariances({ rows, sums, sumsOfSquares }: Measurements): Float64Array {
  return sums.map((sum, j) => {
    const mean = sum / rows;
    const variance = sumsOfSquares[j]! / rows - mean * mean;
    // Rounding may take it below 0; a NaN stays.
    return variance < 0 ? 0 : variance;
  });
}

/** Worse of two deviations; a NaN is worse than any number. */
export function worse<Deviation extends { maximumRelative: number }>(a: Deviation, b: Deviation): Deviation {
  return a.maximumRelative >= b.maximumRelative || Number.isNaN(a.maximumRelative) ? a : b;
}
