import { averagedSums, columnSquares, columnVariances, squareOfColumn } from './averages.js';
import { type ColumnErrors, columnErrors, type ErrorSources } from './column-errors.js';
import { type Expected, UNKNOWN_MEAN } from './expected.js';
import type { Measurements } from './measurements.js';
import { exactMetric, type MetricAccuracy, metricAccuracies } from './metric-accuracy.js';
import { FLOAT32_ROUNDOFF, MEAN_SQUARED_ERROR } from './rounding.js';
import { type Check, DEVIATIONS, type Judged, judge, notApplicable } from './verdict.js';
import { worstColumn } from './worst-column.js';

/** Names of the check of the variances, and of that of the second moments, which stands for it where M is made of them. */
const VARIANCES = 'column variances';
const SECOND_MOMENTS = 'column second moments';
const MEAN_CAUSAL = 'mean causal norm';

/** Names of what the metric alone decides. */
const ofTheMetricNames: readonly string[] = [VARIANCES, SECOND_MOMENTS, MEAN_CAUSAL];

/** The two identities in symbols, which depend on whether rows have weights, and on what M is made of. */
function identitiesOf({ isWeighted, isUncentred }: { isWeighted: boolean; isUncentred: boolean }) {
  const variance = isWeighted ? 'var_w p_j' : 'var_i p_ij';
  const square = isWeighted ? 'sum_i w_i p_ij^2' : 'mean_i p_ij^2';
  const meanNorm = isWeighted ? 'sum_i w_i ||gamma_i||_M^2' : '(1/V) sum_i ||gamma_i||_M^2';
  return {
    variances: {
      name: isUncentred ? SECOND_MOMENTS : VARIANCES,
      what: `max_j | ${isUncentred ? square : variance} - c_j | in units of its tolerance`,
      unit: { name: 'its tolerance', size: 1 },
    },
    meanCausal: {
      name: MEAN_CAUSAL,
      what: `| ${meanNorm} - (d - rho tr M${isUncentred ? '' : ' + ||mu||_M^2'}) |`,
    },
  };
}

const COARSE_METRIC =
  'the metric file is rounded too coarsely for its condition number to tell: give it in a wider dtype, or leave it away';
const UNKNOWN_RIDGE = 'the metric file does not say its ridge: give --ridge to have it checked';

const OTHER_METRIC = "the given metric is not the inverse of this checkpoint's covariance";

/** What both identities are judged by. Arrays are [d]. */
interface Covariance {
  measurements: Measurements;
  lambda: Float64Array;
  /** Variances that are expected, v_j^T C v_j of the eigenvectors as they are stored. */
  c: Float64Array;
  /** ||v_j||^2 of the eigenvectors as they are stored. */
  lengths: Float64Array;
  /** mu . v_j */
  m: Float64Array;
  ridge: number;
  sources: ErrorSources;
  errors: ColumnErrors;
  /** Whether c are second moments about zero, not variances. */
  isUncentred: boolean;
  /** How far var_i p_ij may be from c for other reasons than the errors of rows. */
  bias: Float64Array;
}

/** Judges identities 2 (variances) and 3, which hold for the checkpoint's own covariance only. */
export function checkCovariance(
  measurements: Measurements,
  expected: Expected,
  sources: ErrorSources,
): Check[] {
  const { covarianceEigenvalues, ridge, meanProjections: m, metric, eigenvalues: lambda } = expected;
  const isWeighted = measurements.weighted !== undefined;
  const isUncentred = metric.source === 'computed' && metric.secondMoment === 'uncentred';
  const { variances, meanCausal } = identitiesOf({ isWeighted, isUncentred });
  const neither = (why: string): Check[] => [
    { ...variances, ...notApplicable(why) },
    { ...meanCausal, ...notApplicable(why) },
  ];
  if (m === null) return neither(UNKNOWN_MEAN);
  if (covarianceEigenvalues === null || ridge === null) return neither(UNKNOWN_RIDGE);
  const isGiven = metric.source === 'file';
  const accuracies = isGiven
    ? metricAccuracies(lambda, expected.eigenvectors, metric.roundoff)
    : [exactMetric(lambda.length)];
  // Where its rounding could be all of the variance, any metric would pass.
  if (isGiven && sum(accuracies.at(-1)!.allowances) >= sum(columnVariances(measurements))) {
    return neither(COARSE_METRIC);
  }
  const known = { c: covarianceEigenvalues, m, ridge, isUncentred };
  const covariance = covarianceOf(measurements, expected, known, sources);
  const causal = { ...meanCausal, unit: { name: 'd', size: lambda.length } };
  const checks: Check[] = [
    { ...variances, ...atBest(accuracies, (accuracy) => judgeVariances(covariance, accuracy, isGiven)) },
    { ...causal, ...atBest(accuracies, (accuracy) => judgeMeanCausalNorm(covariance, accuracy)) },
  ];
  if (!isGiven) return checks;
  return checks.map((check) =>
    check.verdict === 'failed' ? { ...check, verdict: 'differs', detail: OTHER_METRIC } : check,
  );
}

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
  return checks.filter(({ name }) => ofTheMetricNames.includes(name));
}

/** Judges by the sharpest accuracy at which the identity holds, or by the least sharp one. */
function atBest(accuracies: readonly MetricAccuracy[], judged: (accuracy: MetricAccuracy) => Judged): Judged {
  const all = accuracies.map((accuracy) => {
    const found = judged(accuracy);
    return accuracy.as === null ? found : { ...found, detail: accuracy.as };
  });
  return all.find(({ verdict }) => verdict === 'passed') ?? all.at(-1)!;
}

/**
 * Gives what the variances are compared with. A stored eigenvector v + e has the variance c ||v + e||^2 + e^T (C - c I) e: the
 * first is computed, not bounded, and in the second ||e|| is at most u.
 */
function covarianceOf(
  measurements: Measurements,
  { eigenvalues: lambda, eigenvectors, metric }: Expected,
  { c, m, ridge, isUncentred }: Pick<Covariance, 'c' | 'm' | 'ridge' | 'isUncentred'>,
  sources: ErrorSources,
): Covariance {
  const d = lambda.length;
  const errors = columnErrors(measurements, sources, { isUncentred });
  const lengths = squaredLengths(eigenvectors, d);
  const largest = c.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const solver = DEVIATIONS * Math.sqrt(d) * Number.EPSILON;
  const bias = lambda.map((value, j) => {
    // Of the matrix that was decomposed, C or M.
    const decomposition = solver * (metric.source === 'computed' ? largest : lambda[d - 1]! / value ** 2);
    return errors.bias[j]! + FLOAT32_ROUNDOFF ** 2 * largest + decomposition;
  });
  const stored = c.map((value, j) => value * lengths[j]!);
  return { measurements, lambda, c: stored, lengths, m, ridge, sources, errors, isUncentred, bias };
}

/**
 * Judges the variances of the columns, and of a given metric the one along the first probe vector as well: a metric of the
 * right variances and wrong correlations, such as the inverse of C's diagonal, would pass by the columns alone. (Of a
 * computed one, the residual of C V = V diag(c) shows the correlations.)
 */
function judgeVariances(covariance: Covariance, { allowances }: MetricAccuracy, isGiven: boolean): Judged {
  const { measurements, c, errors, isUncentred, bias } = covariance;
  const measured = isUncentred ? columnSquares(measurements) : columnVariances(measurements);
  const deviations = measured.map((value, j) => Math.abs(value - c[j]!));
  const tolerances = allowances.map(
    (allowance, j) =>
      allowance +
      bias[j]! +
      DEVIATIONS * Math.sqrt(Math.max(errors.variances[j]!, errors.excesses.variances[j]!)),
  );
  const { index, deviation, tolerance } = worstColumn(deviations, tolerances);
  const ratio = deviation === 0 ? 0 : deviation / tolerance;
  const alongProbe = isGiven ? deviationAlongProbe(covariance, allowances) : 0;
  return alongProbe > ratio
    ? { ...judge(alongProbe, 1), detail: 'worst along the probe' }
    : { ...judge(ratio, 1), detail: `worst at index ${index}` };
}

/**
 * Deviation of var_i p_i . r from sum_j c_j r_j^2, all r_j^2 = 1 / d, in units of its tolerance: the mean of the columns' own
 * allowances, what the products v_j^T C v_k of two stored eigenvectors add with random signs, and the rounding of
 * p . r, which is that of the probe.
 */
function deviationAlongProbe(covariance: Covariance, allowances: Float64Array): number {
  const { measurements, c, bias, errors, sources } = covariance;
  const { rows, alongProbe } = measurements;
  const d = c.length;
  const mean = alongProbe.sum / rows;
  const variance = Math.max(0, alongProbe.sumOfSquares / rows - mean * mean);
  const following = sources.terms.common.slopes.reduce((total, slope, j) => total + slope * c[j]! ** 2, 0);
  const ofRows = 4 * ((variance * sum(errors.means)) / d + following / d ** 2);
  const squares = c.reduce((total, value) => total + value * value, 0);
  const ofBasis = (4 * FLOAT32_ROUNDOFF ** 2 * MEAN_SQUARED_ERROR * squares) / d ** 2;
  const tolerance = (sum(allowances) + sum(bias)) / d + DEVIATIONS * Math.sqrt(ofRows + ofBasis);
  return Math.abs(variance - sum(c) / d) / tolerance;
}

/**
 * Judges the mean of ||gamma_i||_M^2 = sum_j lambda_j p_ij^2, whose error is the sum of those of the second moments of all
 * columns.
 */
function judgeMeanCausalNorm(covariance: Covariance, { ofTrace }: MetricAccuracy): Judged {
  const { measurements, lambda, c, lengths, m, ridge, sources, isUncentred, bias } = covariance;
  const sums = averagedSums(measurements);
  const d = lambda.length;
  // Its terms are the second moments about zero, whatever M is made of.
  const errors = columnErrors(measurements, sources, { ofAll: true, isUncentred: true });
  let left = 0;
  let right = d;
  // Of the terms of d - rho tr M + ||mu||_M^2, which may nearly cancel. Each of the 1 - rho lambda, which is lambda c, is as
  // much larger as c is along the stored eigenvector.
  let magnitude = d;
  let variance = 0;
  let excess = 0;
  let systematic = ofTrace;
  // What all columns are off by alike follows their second moments.
  let ofAlike = 0;
  for (let j = 0; j < d; j++) {
    const weight = lambda[j]!;
    // The second moment about zero has the square of the mean in it.
    const mean = isUncentred ? 0 : m[j]!;
    left +=
      sums.centres === null
        ? (weight * sums.sumsOfSquares[j]!) / sums.total
        : weight * squareOfColumn(sums, j);
    right += weight * mean * mean - weight * ridge + (1 - weight * ridge) * (lengths[j]! - 1);
    magnitude += weight * (mean * mean + ridge);
    variance += weight ** 2 * errors.variances[j]!;
    excess += (weight ** 2 * errors.excesses.variances[j]!) ** 2;
    systematic += weight * bias[j]!;
    ofAlike += weight * (c[j]! + mean * mean);
  }
  const following = 4 * sources.slope * ofAlike ** 2;
  const random = DEVIATIONS * Math.sqrt(Math.max(variance, Math.sqrt(excess)) + following);
  return judge(Math.abs(left - right), random + systematic + d * Number.EPSILON * magnitude);
}

/** ||v_j||^2 of the eigenvectors as they are stored, [d]. */
function squaredLengths(eigenvectors: Float32Array, d: number): Float64Array {
  const out = new Float64Array(d);
  for (let k = 0; k < d; k++) {
    for (let j = 0; j < d; j++) out[j]! += eigenvectors[k * d + j]! ** 2;
  }
  return out;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
