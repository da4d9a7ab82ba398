import type { Dtype } from '../formats/dtype.js';
import { columnVariances, type Measurements } from './measurements.js';
import { type Check, judge } from './verdict.js';

/**
 * Unit roundoff u of float32, half the distance between 1 and the next number: an operation, or a number that is
 * stored, is off by at most u of its value.
 */
export const FLOAT32_ROUNDOFF = 2 ** -24;
const u = FLOAT32_ROUNDOFF;

/**
 * Relative rounding error to allow a sum of d float32 products. The errors grow like sqrt(d) u, not d u: they are a
 * random walk (Higham and Mary, "A New Approach to Probabilistic Rounding Error Analysis", 2019, with lambda = 4).
 */
export const productRounding = (d: number): number => 4 * Math.sqrt(d) * u;

/** Limit that the original notebook prints beside the difference of norms; absolute, so it is reported, not judged. */
export const NOTEBOOK_NORM_LIMIT = 1e-4;
/** Limit that the notebook prints beside the off-diagonal entries of V^T V; reported, not judged. */
export const NOTEBOOK_ORTHONORMALITY_LIMIT = 1e-5;

/** Name of the check of the row norms, which needs the checkpoint's rows. */
export const ROW_NORMS = 'row norms';
/** Name of the check by the probe, which needs the checkpoint's rows. */
export const PROBE = 'probe';

/** Values that the identities compare the measurements with. Arrays are [d], float64, by ascending lambda. */
export interface Expected {
  eigenvalues: Float64Array;
  covarianceEigenvalues: Float64Array | null;
  ridge: number | null;
  /** Products mu . v_j, from the checkpoint's rows and the eigenvectors on disk; null where mu is not known. */
  meanProjections: Float64Array | null;
  /**
   * Metric: 'computed', this checkpoint's own (C + rho I)^-1, or from a file, with entries of relative accuracy
   * `epsilon`.
   */
  metric: { source: 'computed' } | { source: 'file'; epsilon: number };
}

/** Judges identities 2 to 6, of the projections; the basis's own, 1, is checkBasis's. */
export function checkProjections(measurements: Measurements, expected: Expected): Check[] {
  return [
    filesCheck(measurements.problems),
    checkNorms(measurements),
    checkProbe(measurements),
    checkColumnMeans(measurements, expected),
    ...checkCovariance(measurements, expected),
  ];
}

/**
 * Judges the files themselves.
 * @param problems faults of the files, in words
 */
export function filesCheck(problems: readonly string[]): Check {
  return {
    name: 'files',
    what: 'checksums, layout, token ids 0..V-1 each exactly once and in order, every value finite',
    measured: problems.length,
    tolerance: 0,
    verdict: problems.length === 0 ? 'passed' : 'failed',
    ...(problems.length > 0 ? { detail: problems.join('\n') } : {}),
  };
}

function checkNorms({ normDifference, sums }: Measurements): Check {
  return {
    name: ROW_NORMS,
    what: 'max_i | ||gamma_i|| - ||p_i|| | / ||gamma_i||',
    ...judge(normDifference.maximumRelative, productRounding(sums.length)),
    detail: `worst at token ${normDifference.row}`,
  };
}

function checkProbe({ probe, sums }: Measurements): Check {
  return {
    name: PROBE,
    what: 'Freivalds: max_i | p_i . r - gamma_i . (V r) | / ||gamma_i||, r a random unit vector',
    ...judge(probe.maximumRelative, productRounding(sums.length)),
    detail: `worst at token ${probe.row}`,
  };
}

const COARSE_METRIC =
  'the metric file is rounded too coarsely for its condition number to tell: give it in a wider dtype, or leave it away';
const UNKNOWN_MEAN = 'the mean row is not known without the checkpoint';

function notApplicable(detail: string) {
  return { measured: null, tolerance: null, verdict: 'not applicable', detail } as const;
}

/** Root mean square of ||gamma_i||: what rounding errors are measured in. */
const typicalNorm = ({ gammaSquares, rows }: Measurements): number => Math.sqrt(gammaSquares / rows);

function checkColumnMeans(measurements: Measurements, { meanProjections }: Expected): Check {
  const identity = { name: 'column means', what: 'max_j | mean_i p_ij - mu . v_j |' };
  if (meanProjections === null) return { ...identity, ...notApplicable(UNKNOWN_MEAN) };
  const deviations = measurements.sums.map((sum, j) =>
    Math.abs(sum / measurements.rows - meanProjections[j]!),
  );
  return {
    ...identity,
    ...judge(largest(deviations), productRounding(measurements.sums.length) * typicalNorm(measurements)),
  };
}

const variances = {
  name: 'column variances',
  what: 'max_j | var_i p_ij - c_j | in units of its tolerance',
  unit: { name: 'its tolerance', size: 1 },
};
const meanCausal = {
  name: 'mean causal norm',
  what: '| (1/V) sum_i ||gamma_i||_M^2 - (d - rho tr M + ||mu||_M^2) |',
};

/** Whether the metric is the inverse of this checkpoint's covariance, by its checks; null where it cannot be told. */
export function metricMatches(checks: readonly Check[]): boolean | null {
  const verdicts = ofTheMetric(checks).map(({ verdict }) => verdict);
  if (verdicts.includes('differs')) return false;
  return verdicts.length > 0 && verdicts.every((verdict) => verdict === 'passed') ? true : null;
}

/** Why it cannot be told whether the metric matches, and what to do about that; null where it can. */
export function whyMatchIsUnknown(checks: readonly Check[]): string | null {
  return ofTheMetric(checks).find(({ verdict }) => verdict === 'not applicable')?.detail ?? null;
}

function ofTheMetric(checks: readonly Check[]): Check[] {
  return checks.filter(({ name }) => name === variances.name || name === meanCausal.name);
}

/** Judges identities 2 (variances) and 3, which hold for the checkpoint's own covariance only. */
function checkCovariance(measurements: Measurements, expected: Expected): Check[] {
  const { covarianceEigenvalues: c, ridge, meanProjections: m } = expected;
  if (c === null || ridge === null || m === null) {
    const why =
      m === null ? UNKNOWN_MEAN : 'the metric file does not say its ridge: give --ridge to have it checked';
    return [
      { ...variances, ...notApplicable(why) },
      { ...meanCausal, ...notApplicable(why) },
    ];
  }
  const measured = columnVariances(measurements);
  const tolerances = varianceTolerances(measurements, expected, c);
  // Where its rounding could be all of the variance, any metric would pass.
  if (expected.metric.source === 'file' && sum(tolerances) >= sum(measured)) {
    return [
      { ...variances, ...notApplicable(COARSE_METRIC) },
      { ...meanCausal, ...notApplicable(COARSE_METRIC) },
    ];
  }
  const judged = [
    { ...variances, ...judgeVariances(measurements, expected, tolerances) },
    {
      ...meanCausal,
      unit: { name: 'd', size: c.length },
      ...judgeMeanCausalNorm(measurements, { lambda: expected.eigenvalues, m, ridge }, tolerances),
    },
  ];
  if (expected.metric.source === 'computed') return judged;
  const detail = "the given metric is not the inverse of this checkpoint's covariance";
  return judged.map((check) =>
    check.verdict === 'failed' ? { ...check, verdict: 'differs', detail } : check,
  );
}

/**
 * Judges the variances of the columns, and of a given metric the one along the probe r as well: a metric of the right
 * variances and wrong correlations, such as the inverse of C's diagonal, would pass by the columns alone. (Of a computed
 * one, the residual of C V = V diag(c) shows the correlations.)
 */
function judgeVariances(measurements: Measurements, expected: Expected, tolerances: Float64Array) {
  const c = expected.covarianceEigenvalues!;
  const deviations = columnVariances(measurements).map(
    (variance, j) => Math.abs(variance - c[j]!) / tolerances[j]!,
  );
  const alongProbe = expected.metric.source === 'file' ? probeDeviation(measurements, c, tolerances) : 0;
  return judge(largest(Float64Array.of(largest(deviations), alongProbe)), 1);
}

/**
 * Deviation of var_i p_i . r from sum_j c_j r_j^2, in units of its tolerance. All r_j^2 are 1 / d: both are means of the
 * columns' own, but for what turns float32 eigenvectors into each other, 2 u sqrt(d) of the largest c, and the
 * rounding of p . r, which is a product of d terms as p is.
 */
function probeDeviation(measurements: Measurements, c: Float64Array, tolerances: Float64Array): number {
  const { rows, alongProbe } = measurements;
  const d = c.length;
  const mean = alongProbe.sum / rows;
  const variance = alongProbe.sumOfSquares / rows - mean * mean;
  const s = productRounding(d) * typicalNorm(measurements);
  const tolerance =
    sum(tolerances) / d +
    2 * u * Math.sqrt(d) * largest(c.map(Math.abs)) +
    2 * Math.sqrt(Math.abs(variance)) * s +
    s * s;
  return Math.abs(variance - sum(c) / d) / tolerance;
}

function judgeMeanCausalNorm(
  measurements: Measurements,
  { lambda, m, ridge }: { lambda: Float64Array; m: Float64Array; ridge: number },
  tolerances: Float64Array,
) {
  const d = lambda.length;
  const meanTolerance = productRounding(d) * typicalNorm(measurements);
  let left = 0;
  let right = d;
  // Of the terms of d - rho tr M + ||mu||_M^2, which may nearly cancel.
  let magnitude = d;
  let tolerance = 0;
  for (let j = 0; j < d; j++) {
    left += (lambda[j]! * measurements.sumsOfSquares[j]!) / measurements.rows;
    right += lambda[j]! * (m[j]! * m[j]! - ridge);
    magnitude += lambda[j]! * (m[j]! * m[j]! + ridge);
    tolerance += lambda[j]! * (tolerances[j]! + meanTolerance * (2 * Math.abs(m[j]!) + meanTolerance));
  }
  return judge(Math.abs(left - right), tolerance + d * Number.EPSILON * magnitude);
}

/**
 * Tolerances of var_i p_ij - c_j: products are off by s = productRounding x typical norm, which gives
 * 2 sqrt(c) s + s^2; the float32 eigenvector is off by u in norm, which gives 2 u c + u^2 c_max; the eigenvalue
 * by d eps c_max. A given metric is itself off by epsilon x its largest entry, as a matrix by sqrt(d) times that,
 * and its inverse by c^2 times that.
 */
function varianceTolerances(measurements: Measurements, expected: Expected, c: Float64Array): Float64Array {
  const d = c.length;
  const s = productRounding(d) * typicalNorm(measurements);
  const largestC = largest(c.map(Math.abs));
  const largestLambda = expected.eigenvalues[d - 1]!;
  const epsilon = expected.metric.source === 'file' ? expected.metric.epsilon : 0;
  return c.map((value, j) => {
    const rounding = 2 * Math.sqrt(Math.abs(value)) * s + s * s;
    const basis = 2 * u * Math.abs(value) + (u * u + d * Number.EPSILON) * largestC;
    const lambda = expected.eigenvalues[j]!;
    const given = (Math.sqrt(d) * epsilon * largestLambda) / (lambda * lambda);
    return rounding + basis + given;
  });
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Largest of values, NaN if one is NaN. */
function largest(values: Float64Array): number {
  return values.reduce((a, b) => (b > a || Number.isNaN(b) ? b : a), Number.NEGATIVE_INFINITY);
}

/** Relative accuracy of the entries of a metric that is stored as `dtype`, and was computed in float32 at best. */
export function metricEpsilon({ dtype }: { dtype: Dtype }): number {
  const mantissaBits = { bfloat16: 8, float16: 11, float32: 24, float64: 24 };
  return 2 ** -mantissaBits[dtype];
}
