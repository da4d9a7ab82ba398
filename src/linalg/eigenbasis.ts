import { availableParallelism } from 'node:os';
import { InputError } from '../errors.js';
import type { RowRange } from '../plan/row-ranges.js';
import type { Backend } from './backend/backend.js';
import { rowsOf } from './product-shapes.js';
import { fixSigns } from './signs.js';
import { SYMMETRIC_BLOCK, symmetricProduct } from './symmetric-product.js';

/** The eigenbasis of a metric M. Index j is ascending lambda, so index 0 has the largest variance. */
export interface Eigenbasis {
  /** lambda, [d], ascending. */
  eigenvalues: Float64Array;
  /** c = 1 / lambda - rho, [d], in the same order; null where the ridge rho of a given metric is not known. */
  covarianceEigenvalues: Float64Array | null;
  /** float64 [d, d] row-major, column j belongs to lambda_j; signs by SIGN_RULE. */
  eigenvectors: Float64Array;
}

/** An eigenbasis as a run keeps it, with eigenvectors rounded to float32; order and signs as in `Eigenbasis`. */
export interface StoredEigenbasis extends Omit<Eigenbasis, 'eigenvectors'> {
  /** float32 [d, d] row-major, column j belongs to lambda_j. */
  eigenvectors: Float32Array;
}

/**
 * Eigenbasis of (C + rho I)^-1, from C itself: inverting first would lose eps x kappa on the largest lambda.
 * @param covariance C, [d, d] symmetric
 * @param ridge rho
 * @throws InputError when C + rho I is singular
 */
export async function eigenbasisOfCovariance(
  covariance: Float64Array,
  d: number,
  ridge: number,
  backend: Backend,
): Promise<Eigenbasis> {
  const ascending = await backend.eigh(covariance, d);
  // Ascending lambda is descending c.
  const covarianceEigenvalues = ascending.eigenvalues.toReversed();
  const smallest = covarianceEigenvalues[d - 1]! + ridge;
  const roundingOfC = d * Number.EPSILON * covarianceEigenvalues[0]!;
  if (!(smallest > roundingOfC)) {
    throw new InputError(
      `the covariance is rank deficient: its smallest eigenvalue is ${covarianceEigenvalues[d - 1]!.toExponential(3)} ` +
        `and the ridge ${ridge}, so (C + ridge I) has no inverse. Give a --ridge above ${roundingOfC.toExponential(1)}`,
    );
  }
  const eigenvectors = ascending.eigenvectors;
  for (let i = 0; i < d; i++) eigenvectors.subarray(i * d, (i + 1) * d).reverse();
  fixSigns(eigenvectors, d);
  const eigenvalues = covarianceEigenvalues.map((c) => 1 / (c + ridge));
  refuseExtreme(eigenvalues);
  return { eigenvalues, covarianceEigenvalues, eigenvectors };
}

/**
 * Eigenbasis of a given metric.
 * @param metric M, [d, d] symmetric
 * @param ridge rho, where the metric says it
 * @throws InputError when M is not positive definite, or its eigenvalues are too large or too small for float64
 */
export async function eigenbasisOfMetric(
  metric: Float64Array,
  d: number,
  ridge: number | null,
  backend: Backend,
): Promise<Eigenbasis> {
  const { eigenvalues, eigenvectors } = await backend.eigh(metric, d);
  if (!(eigenvalues[0]! > 0)) {
    throw new InputError(
      `the metric is not positive definite: its smallest eigenvalue is ${eigenvalues[0]!.toExponential(3)} ` +
        `(the largest ${eigenvalues[d - 1]!.toExponential(3)}). A metric tensor (C + ridge I)^-1 has none below zero: check how it was computed, and save it in float64`,
    );
  }
  refuseExtreme(eigenvalues);
  fixSigns(eigenvectors, d);
  const covarianceEigenvalues = ridge === null ? null : eigenvalues.map((lambda) => 1 / lambda - ridge);
  return { eigenvalues, covarianceEigenvalues, eigenvectors };
}

/** The smallest float64 with all of its digits. */
const LEAST_NORMAL = 2 ** -1022;

/**
 * Refuses eigenvalues whose squares, or the square of whose sum, are no float64: the figures of the spectrum are made of
 * them.
 *
 * @param eigenvalues lambda, [d], ascending
 */
function refuseExtreme(eigenvalues: Float64Array): void {
  const d = eigenvalues.length;
  const [smallest, largest] = [eigenvalues[0]!, eigenvalues[d - 1]!];
  if (smallest >= Math.sqrt(LEAST_NORMAL) && largest <= Math.sqrt(Number.MAX_VALUE) / d) return;
  throw new InputError(
    `the metric has eigenvalues from ${smallest.toExponential(3)} to ${largest.toExponential(3)}, whose squares float64 ` +
      'cannot hold. Scale the metric, or the checkpoint: they are 1 / (variance + ridge)',
  );
}

/** Metric M = V diag(lambda) V^T, [d, d], symmetric to the last bit. */
export async function metricOf(
  { eigenvalues, eigenvectors }: Eigenbasis,
  d: number,
  backend: Backend,
): Promise<Float64Array> {
  const sums = await backend.outerProducts(availableParallelism());
  const metric = new Float64Array(d * d);
  const v = { values: eigenvectors, rows: d, columns: d };
  const scaled = new Float64Array(Math.min(SYMMETRIC_BLOCK, d) * d);
  const scaledRows = (rows: RowRange) => {
    const values = scaled.subarray(0, rows.count * d);
    values.set(rowsOf(v, rows).values);
    for (let start = 0; start < values.length; start += d)
      for (let k = 0; k < d; k++) values[start + k]! *= eigenvalues[k]!;
    return { values, rows: rows.count, columns: d };
  };
  await symmetricProduct(v, scaledRows, sums, ({ first, width, values }) => {
    for (let i = first; i < d; i++) {
      for (let j = first; j < Math.min(first + width, i + 1); j++) {
        const value = values[(i - first) * width + j - first]!;
        metric[i * d + j] = value;
        metric[j * d + i] = value;
      }
    }
  });
  await sums.release();
  return metric;
}
