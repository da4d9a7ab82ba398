import type { VectorKind } from '../plan/vector-kind.js';

/** Measures by which a token is near a vector, in the order of its lists. */
export const vectorMeasures = ['logit', 'cosine', 'causal_cosine'] as const;
/** Measure by which a token is near a vector. */
export type VectorMeasure = (typeof vectorMeasures)[number];

/** Spectrum of a run, as the coordinates of vectors are weighed by it. Arrays are [d], by ascending lambda. */
export interface VectorSpectrum {
  /** lambda */
  eigenvalues: Float64Array;
  /**
   * Eigenvalues c of C, the variances of the projections, or, where the metric is made of the second moment about zero, their
   * mean squares; null where the metric was given and is not known to be this checkpoint's.
   */
  variances: Float64Array | null;
  /** Whether `variances` are second moments about zero. */
  isUncentred: boolean;
  /** m = mu V; null where the mean row is not known. */
  means: Float64Array | null;
}

/** Products of tokens with vectors of which some measures are made: p_i . (weights a), a the coordinates. */
export interface VectorPass {
  /** [d]; null where all are 1. */
  weights: Float64Array | null;
  measures: readonly VectorMeasure[];
}

/**
 * Passes in which the measures of a kind are computed; the first one gives the logits. Those of a token-like vector are
 * what its dual M g, a steering vector, adds to them; its cosine is that of two rows. A hidden-like vector is multiplied with
 * rows as it is, and causal_cosine = gamma . u / (||gamma||_M ||u||_{C + rho I}) is that of gamma and its dual in M.
 */
export function vectorPasses(kind: VectorKind, { eigenvalues }: VectorSpectrum): VectorPass[] {
  if (kind === 'hidden') return [{ weights: null, measures: vectorMeasures }];
  return [
    { weights: eigenvalues, measures: ['logit', 'causal_cosine'] },
    { weights: null, measures: ['cosine'] },
  ];
}

/** Weights by which the dual's coordinates differ: M g = V (lambda a), (C + rho I) u = V (a / lambda). */
export function dualWeights(kind: VectorKind, { eigenvalues }: VectorSpectrum): Float64Array {
  return kind === 'token' ? eigenvalues : eigenvalues.map((lambda) => 1 / lambda);
}

/**
 * Weights of a_j^2 in the shares of directions: lambda_j of a token-like vector, whose shares make up its causal norm, and
 * c_j of a hidden-like one, whose shares make up the variance of its logits. Where c is not known, it is 1 / lambda.
 */
export function shareWeights(kind: VectorKind, { eigenvalues, variances }: VectorSpectrum): Float64Array {
  if (kind === 'token') return eigenvalues;
  return variances ?? eigenvalues.map((lambda) => 1 / lambda);
}

/** Directions, those of the largest lambda, whose part of a vector is its dark share: a twentieth of all. */
export function darkDirections(d: number): number {
  return Math.max(1, Math.round(d / 20));
}

/** The power of 2 by which coordinates are divided before float32 products: no finite vector then overflows. */
export function powerOf(square: number): number {
  return square > 0 ? 2 ** Math.floor(Math.log2(Math.sqrt(square))) : 1;
}
