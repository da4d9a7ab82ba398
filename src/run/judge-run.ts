import { averageRow, columnMeans, columnVariances } from '../checks/averages.js';
import type { BasisCheck } from '../checks/basis-check.js';
import type { Expected } from '../checks/expected.js';
import { checkProjections, NOTEBOOK_NORM_LIMIT, PROBE, ROW_NORMS } from '../checks/identities.js';
import { type Measurements, mergeMeasurements } from '../checks/measurements.js';
import { type Check, notApplicable, type Verification } from '../checks/verdict.js';
import { VerificationError } from '../errors.js';
import type { Executor } from '../executor/executor.js';
import type { VerifiedFile } from '../files/file-record.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import { momentsOfSums } from '../linalg/moments.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import type { Manifest } from '../output/manifest.js';
import { figure } from '../text/figures.js';
import { type MeasuredRun, measurePartitions } from './measure-partitions.js';

/** What the verification of a run found. */
export interface VerificationResult {
  /** Of each partition, in order. */
  files: VerifiedFile[][];
  verification: Verification;
  projections: Manifest['projections'];
  norms: Manifest['norms'];
  /** Means of the columns of the projections, and their variances, [d], by the rows' weights. */
  means: Float64Array;
  variances: Float64Array;
}

/** Re-reads every partition and the checkpoint on the pool, and judges identities 2 to 6. */
export async function judgeRun(
  executor: Executor,
  options: MeasuredRun &
    Omit<JudgedRun, 'hasCheckpoint' | 'weights'> & {
      /** What is wrong with the other files of the run, in words. */
      otherProblems: Promise<readonly string[]>;
    },
  onRows: (rows: number) => void,
): Promise<VerificationResult> {
  const parts = await measurePartitions(executor, options, onRows);
  const measured = mergeMeasurements(parts);
  measured.problems.unshift(...(await options.otherProblems));
  const judged = judgeMeasurements(measured, {
    ...options,
    hasCheckpoint: options.source !== null,
    weights: options.weighing?.weights ?? null,
  });
  return { files: parts.map(({ files }) => files), ...judged };
}

/** What measurements of all partitions are judged by. */
export interface JudgedRun {
  basis: StoredEigenbasis;
  /** Identity 1, of the same basis. */
  basisCheck: BasisCheck;
  ridge: number | null;
  metric: Expected['metric'];
  /** How the products were summed. */
  summation: Expected['summation'];
  /** Whether the checkpoint was at hand; otherwise the projections were measured alone. */
  hasCheckpoint: boolean;
  /** mu, [d], which stands in for the checkpoint's where that is not at hand; null where it is not known. */
  mean: Float64Array | null;
  /** Weights of the rows, [V], their sum 1; null where all are alike. */
  weights: Float64Array | null;
}

/** Judges identities 2 to 6. */
export function judgeMeasurements(
  measurements: Measurements,
  { basis, basisCheck, ridge, metric, summation, hasCheckpoint, mean: known, weights }: JudgedRun,
): Omit<VerificationResult, 'files'> {
  const d = basis.eigenvalues.length;
  const mean = hasCheckpoint ? averageRow(measurements) : known;
  const judged = checkProjections(measurements, {
    eigenvalues: basis.eigenvalues,
    covarianceEigenvalues: basis.covarianceEigenvalues,
    eigenvectors: basis.eigenvectors,
    summation,
    ridge,
    meanProjections: mean === null ? null : rowTimesMatrix(mean, basis.eigenvectors),
    metric,
    weights,
  });
  const checks = [...basisCheck.checks, ...(hasCheckpoint ? judged : withoutCheckpoint(judged))];

  const { rows, normDifference } = measurements;
  return {
    verification: {
      passed: checks.every(({ verdict }) => verdict !== 'failed'),
      checks,
      normDifference: {
        maximum: normDifference.maximum,
        mean: normDifference.sum / rows,
        limit: NOTEBOOK_NORM_LIMIT,
      },
      offDiagonal: basisCheck.offDiagonal,
    },
    projections: {
      shape: [rows, d],
      bytes: rows * d * 4,
      ...momentsOfSums(
        {
          minimum: measurements.minima.reduce((a, b) => Math.min(a, b)),
          maximum: measurements.maxima.reduce((a, b) => Math.max(a, b)),
          sum: measurements.sums.reduce((a, b) => a + b),
          sumOfSquares: measurements.sumsOfSquares.reduce((a, b) => a + b),
        },
        rows * d,
      ),
    },
    norms: {
      euclidean: momentsOfSums(measurements.norm, rows),
      causal: momentsOfSums(measurements.causalNorm, rows),
    },
    means: columnMeans(measurements),
    variances: columnVariances(measurements),
  };
}

/** The checks that compare projections with the checkpoint's rows do not apply where there are none. */
function withoutCheckpoint(checks: readonly Check[]): Check[] {
  return checks.map((check) =>
    check.name === ROW_NORMS || check.name === PROBE
      ? { ...check, ...notApplicable('the checkpoint is not at hand') }
      : check,
  );
}

/** What to do with a run that has just been computed and does not pass its checks. */
export const FAILURE_ADVICE =
  'the same command with --resume makes again what the disk did not keep; if that fails too, compare with --backend portable';

/**
 * Ends the work on a run whose checks failed.
 *
 * @param next what to do then
 * @throws VerificationError with the figures of every failed check, where there is one
 */
export function refuseFailed(directory: string, checks: Verification['checks'], next: string): void {
  const failed = checks.filter(({ verdict }) => verdict === 'failed');
  if (failed.length === 0) return;
  const lines = failed.map(({ name, measured, tolerance, detail }) => {
    const figures = `${name}: ${figure(measured ?? Number.NaN)} is beyond ${figure(tolerance ?? Number.NaN)}`;
    return detail === undefined ? figures : `${figures}\n${detail}`;
  });
  throw new VerificationError(`${directory}: verification failed:\n${lines.join('\n')}\n${next}`);
}
