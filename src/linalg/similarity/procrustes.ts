import type { SingularValues } from './singular-values.js';

/** How nearly a rotation and a scale take one set of centred rows to another. */
export interface Procrustes {
  /** 1 - (sum S)^2 / (tr C_A tr C_B): what is left, as a share of the variance; 0 where they fit. */
  residual: number;
  /** The scale that fits best, sum S / tr C_A. */
  scale: number;
  /** Trace of the rotation over d, 1 of none; null where d and d' differ or the rotation is not determined. */
  rotationTrace: number | null;
}

/**
 * Fits the centred rows of A to those of B.
 *
 * @param x singular values of A^T B / n
 * @param traces of C_A and C_B
 */
export function procrustes(x: SingularValues, traces: { a: number; b: number }): Procrustes {
  const { values, rotationTrace } = x;
  const sum = values.reduce((total, value) => total + value, 0);
  const d = values.length;
  const isDetermined = values[d - 1]! > d * Number.EPSILON * values[0]!;
  return {
    // Rounding can leave a residual of nothing slightly below it.
    residual: Math.max(0, 1 - (sum / traces.a) * (sum / traces.b)),
    scale: sum / traces.a,
    rotationTrace: isDetermined && Number.isFinite(rotationTrace) ? rotationTrace / d : null,
  };
}
