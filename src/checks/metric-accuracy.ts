import { FLOAT32_ROUNDOFF, MEAN_SQUARED_ERROR } from './rounding.js';
import { DEVIATIONS } from './verdict.js';

/** How exact the covariance eigenvalues of a metric may be taken to be. */
export interface MetricAccuracy {
  /** How far c_j may be off, [d]. */
  allowances: Float64Array;
  /** What the metric is taken for, in words; null where it is as exact as it can be. */
  as: string | null;
}

/**
 * Gives the accuracies of a metric from a file, the sharper one first. As exact as its dtype: each of its entries is rounded
 * by itself. Or computed in float32, whose inversion of C + rho I is off by u times its condition number.
 *
 * @param lambda [d], ascending
 * @param eigenvectors V, [d, d] float32 row-major
 * @param roundoff unit roundoff of the file's dtype
 */
export function metricAccuracies(
  lambda: Float64Array,
  eigenvectors: Float32Array,
  roundoff: number,
): MetricAccuracy[] {
  const d = lambda.length;
  const condition = lambda[d - 1]! / lambda[0]!;
  const inversion = 4 * condition * FLOAT32_ROUNDOFF;
  const exact = storingErrors(lambda, eigenvectors, roundoff);
  const coarse = storingErrors(lambda, eigenvectors, Math.max(roundoff, FLOAT32_ROUNDOFF));
  return [
    { allowances: exact, as: null },
    {
      allowances: coarse.map((allowance, j) => allowance + inversion / lambda[j]!),
      as: 'as exact as a metric that was computed in float32',
    },
  ];
}

/**
 * What rounding the entries of M does to c = 1 / lambda - rho. An error E of M moves lambda_j by v_j^T E v_j, a sum of d^2
 * errors of a variance of 2 sum_kl (v_kj v_lj M_kl)^2 times that of rounding: M is symmetric, and so is E. What lies on the
 * diagonal is at most max M_kk^2 sum_k v_kj^4; the rest of M, of which ||M||_F^2 = sum lambda^2 is known, is taken to be
 * spread evenly. In the second order E adds ||E v_j||^2 / lambda_min.
 */
function storingErrors(lambda: Float64Array, eigenvectors: Float32Array, roundoff: number): Float64Array {
  const d = lambda.length;
  const diagonal = new Float64Array(d);
  const fourthPowers = new Float64Array(d);
  for (let k = 0; k < d; k++) {
    for (let j = 0; j < d; j++) {
      const square = eigenvectors[k * d + j]! ** 2;
      diagonal[k]! += lambda[j]! * square;
      fourthPowers[j]! += square * square;
    }
  }
  const largest = diagonal.reduce((a, b) => Math.max(a, b));
  const squares = lambda.reduce((total, value) => total + value * value, 0);
  const unit = roundoff ** 2 * MEAN_SQUARED_ERROR;
  const second = (2 * unit * squares) / (d * lambda[0]!);
  return lambda.map((value, j) => {
    const first = Math.sqrt(2 * unit * (fourthPowers[j]! * largest ** 2 + squares / d ** 2));
    return (DEVIATIONS * first + second) / value ** 2;
  });
}
