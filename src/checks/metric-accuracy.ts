import { spectralDiagonal } from '../linalg/spectral-diagonal.js';
import { FLOAT32_ROUNDOFF, MEAN_SQUARED_ERROR } from './rounding.js';
import { DEVIATIONS } from './verdict.js';

/** How exact the covariance eigenvalues of a metric may be taken to be. */
export interface MetricAccuracy {
  /** How far c_j may be off, [d]. */
  allowances: Float64Array;
  /** How far sum_j lambda_j c_j may be off. */
  ofTrace: number;
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
  const sums = sumsOfSquares(lambda, eigenvectors);
  const coarse = storingErrors(lambda, sums, Math.max(roundoff, FLOAT32_ROUNDOFF));
  return [
    { ...storingErrors(lambda, sums, roundoff), as: null },
    {
      allowances: coarse.allowances.map((allowance, j) => allowance + inversion / lambda[j]!),
      ofTrace: coarse.ofTrace + d * inversion,
      as: 'as exact as a metric that was computed in float32',
    },
  ];
}

/** A metric that this run has computed: it is what it is. @param d hidden size */
export function exactMetric(d: number): MetricAccuracy {
  return { allowances: new Float64Array(d), ofTrace: 0, as: null };
}

/** Sums over the squares of V's entries, [d] each. */
interface SumsOfSquares {
  /** M_kk = sum_j lambda_j v_kj^2. */
  diagonal: Float64Array;
  /** (M^-1)_kk = sum_j v_kj^2 / lambda_j. */
  diagonalOfInverse: Float64Array;
  /** sum_k v_kj^4. */
  fourthPowers: Float64Array;
}

function sumsOfSquares(lambda: Float64Array, eigenvectors: Float32Array): SumsOfSquares {
  const d = lambda.length;
  const fourthPowers = new Float64Array(d);
  for (let k = 0, at = 0; k < d; k++) {
    for (let j = 0; j < d; j++, at++) {
      const square = eigenvectors[at]! ** 2;
      fourthPowers[j]! += square * square;
    }
  }
  return {
    diagonal: spectralDiagonal(eigenvectors, lambda),
    diagonalOfInverse: spectralDiagonal(
      eigenvectors,
      lambda.map((value) => 1 / value),
    ),
    fourthPowers,
  };
}

/**
 * What rounding the entries of M does to c = 1 / lambda - rho, and to sum lambda c. An error E of M moves lambda_j by
 * v_j^T E v_j, a sum of d^2 errors of a variance of 2 sum_kl (v_kj v_lj M_kl)^2 times that of rounding: M is symmetric, and so
 * is E. What lies on the diagonal is at most max M_kk^2 sum_k v_kj^4; the rest of M, of which ||M||_F^2 = sum lambda^2 is known,
 * is taken to be spread evenly. In the second order E adds ||E v_j||^2 / lambda_min. The sum moves by tr (M^-1 E), in which
 * M^-1 stands for v_j v_j^T.
 */
function storingErrors(
  lambda: Float64Array,
  { diagonal, diagonalOfInverse, fourthPowers }: SumsOfSquares,
  roundoff: number,
): Pick<MetricAccuracy, 'allowances' | 'ofTrace'> {
  const d = lambda.length;
  const largest = diagonal.reduce((a, b) => Math.max(a, b));
  const squares = sum(lambda.map((value) => value * value));
  const unit = 2 * roundoff ** 2 * MEAN_SQUARED_ERROR;
  const second = (unit * squares) / (d * lambda[0]!);
  const onDiagonal = sum(diagonal.map((value, k) => (value * diagonalOfInverse[k]!) ** 2));
  const offDiagonal = (squares * sum(lambda.map((value) => value ** -2))) / d ** 2;
  return {
    allowances: lambda.map((value, j) => {
      const first = Math.sqrt(unit * (fourthPowers[j]! * largest ** 2 + squares / d ** 2));
      return (DEVIATIONS * first + second) / value ** 2;
    }),
    ofTrace:
      DEVIATIONS * Math.sqrt(unit * (onDiagonal + offDiagonal)) +
      second * sum(lambda.map((value) => 1 / value)),
  };
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
