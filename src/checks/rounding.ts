import type { BackendIdentity } from '../linalg/backend/backend.js';
import { DEVIATIONS } from './verdict.js';

/**
 * Unit roundoff u of float32, half the distance between 1 and the next number: an operation, or a number that is
 * stored, is off by at most u of its value.
 */
export const FLOAT32_ROUNDOFF = 2 ** -24;

/**
 * Mean square of the relative error of a number that is rounded with unit roundoff 1. The error is spread evenly over half a
 * unit of the last place on both sides, which makes 1 / (3 m^2) of a significand m; significands of all sizes come as in
 * Benford's law, of a density 1 / (m ln 2) from 1 to 2.
 */
export const MEAN_SQUARED_ERROR = 1 / (8 * Math.LN2);

/** Mean square of the error of a sum in float32, relative to the sum. */
export const UNIT_ERROR = FLOAT32_ROUNDOFF ** 2 * MEAN_SQUARED_ERROR;

/** Times `MEAN_SQUARED_ERROR` that numbers have which are all just above a power of two, 1 / 3. */
export const LARGEST_SIGNIFICAND = 1 / (3 * MEAN_SQUARED_ERROR);

/**
 * How a product sums its terms: in blocks that are added up, as libraries do on a processor, or one after the other, as a
 * graphics device does.
 */
export type Summation = 'short blocks' | 'blocks' | 'sequence';

/**
 * Terms that are summed in one go, in a register, before they are added up in memory. onnxruntime takes 256; OpenBLAS up to
 * 384, by the processor. A product of fewer terms is one sum.
 */
const blocks: Readonly<Record<Summation, number>> = {
  'short blocks': 256,
  blocks: 384,
  sequence: Number.POSITIVE_INFINITY,
};

/** Number of terms that are summed in one go. */
export function blockOf(summation: Summation): number {
  return blocks[summation];
}

/** Says how a backend sums the terms of float32 products. */
export function summationOf({ backend }: Pick<BackendIdentity, 'backend'>): Summation {
  if (backend === 'webgpu') return 'sequence';
  return backend === 'portable' ? 'short blocks' : 'blocks';
}

/**
 * Variance of the rounding error of a product gamma . v, as a sum: `product` (gamma . v)^2 + `norm` ||gamma||^2, and
 * `outlier` (gamma_k v_k)^2 for each term that is an outlier.
 */
export interface ErrorVariance {
  product: number;
  norm: number;
  outlier: number;
}

/**
 * Variance of the rounding error of a product of a row gamma and a unit vector v in float32.
 *
 * Each addition rounds a partial sum S_k, and the errors are independent and of mean 0 (Higham and Mary, "A New Approach to
 * Probabilistic Rounding Error Analysis", 2019), so their variance is u^2 `MEAN_SQUARED_ERROR` sum_k S_k^2. The terms are as
 * if drawn at random (the same, "Sharper Probabilistic Backward Error Analysis for Basic Linear Algebra Kernels with Random
 * Data", 2020): the partial sums walk to gamma . v as a Brownian bridge does, whose steps have a variance of
 * ||gamma||^2 / d^2. Of the k terms of a block S_k^2 is then (k / d)^2 (gamma . v)^2 + k (1 - k / d) ||gamma||^2 / d^2, and
 * so of the n blocks that are added up. Where products are rounded before they are added, they have another
 * ||gamma||^2 / d.
 *
 * A single large term makes all partial sums behind it as large as itself, to the end of its block, and all sums of blocks.
 *
 * Over all directions v of a basis, what is said of `norm` holds in whatever order the terms come: sum_j S_kj^2 is the
 * squared norm of the row's first k coordinates.
 */
export function errorVariance(d: number, summation: Summation): ErrorVariance {
  const b = Math.min(blockOf(summation), d);
  const n = b < d ? d / b : 0;
  return {
    product: UNIT_ERROR * ((b * b) / (3 * d) + n / 3),
    norm: UNIT_ERROR * (b / (2 * d) - (b * b) / (3 * d * d) + n / (6 * d) + 1 / d),
    outlier: UNIT_ERROR * (b + n),
  };
}

/**
 * Tolerance of a product gamma . v, relative to ||gamma|| ||v||, of whatever row and vector: each partial sum may be as large
 * as the two allow.
 */
export function productRounding(d: number, summation: Summation = 'blocks'): number {
  const { norm, outlier } = errorVariance(d, summation);
  return DEVIATIONS * Math.sqrt(outlier + norm);
}
