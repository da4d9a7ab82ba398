import type { Dtype } from '../formats/dtype.js';
import type { SecondMoment } from '../plan/second-moment.js';
import type { Summation } from './rounding.js';

/** Values that the identities compare the measurements with. Arrays are [d], float64, by ascending lambda. */
export interface Expected {
  eigenvalues: Float64Array;
  covarianceEigenvalues: Float64Array | null;
  /** V as it is stored, float32 [d, d] row-major. */
  eigenvectors: Float32Array;
  /** How the products were summed. */
  summation: Summation;
  ridge: number | null;
  /** Products mu . v_j, from the checkpoint's rows and the eigenvectors on disk; null where mu is not known. */
  meanProjections: Float64Array | null;
  /**
   * Metric: 'computed', this checkpoint's own (C + rho I)^-1, or (C + mu mu^T + rho I)^-1, or from a file, whose entries are rounded with the unit
   * roundoff `roundoff`.
   */
  metric: { source: 'computed'; secondMoment: SecondMoment } | { source: 'file'; roundoff: number };
  /** Weights of the rows, [V], their sum 1; null where all are alike. */
  weights: Float64Array | null;
}

/** Why what needs the mean row is not checked. */
export const UNKNOWN_MEAN = 'the mean row is not known without the checkpoint';

/** Unit roundoff of the numbers of a dtype. */
function roundoffOf(dtype: Dtype): number {
  const significantBits = { bfloat16: 8, float16: 11, float32: 24, float64: 53 };
  return 2 ** -significantBits[dtype];
}

/** What the identities must know of a metric, by its record. */
export function expectedMetric(
  metric: { source: 'computed'; secondMoment?: SecondMoment | undefined } | { source: 'file'; dtype: Dtype },
): Expected['metric'] {
  return metric.source === 'computed'
    ? { source: 'computed', secondMoment: metric.secondMoment ?? 'centred' }
    : { source: 'file', roundoff: roundoffOf(metric.dtype) };
}

/** Relative accuracy of the entries of a metric that is stored as `dtype`, and was computed in float32 at best. */
export function metricEpsilon({ dtype }: { dtype: Dtype }): number {
  return Math.max(roundoffOf(dtype), roundoffOf('float32'));
}
