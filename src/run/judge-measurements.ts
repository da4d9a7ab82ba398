import { averageRow, columnMeans, columnVariances } from '../checks/averages.js';
import type { BasisCheck } from '../checks/basis-check.js';
import type { Expected } from '../checks/expected.js';
import { checkProjections, NOTEBOOK_NORM_LIMIT, PROBE, ROW_NORMS } from '../checks/identities.js';
import type { Measurements } from '../checks/measurements.js';
import { type Check, notApplicable, type Verification } from '../checks/verdict.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import { momentsOfSums } from '../linalg/moments.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import type { Manifest } from '../output/manifest.js';

/** What measurements of all partitions tell of a run. */
export interface Judgement {
  verification: Verification;
  projections: Manifest['projections'];
  norms: Manifest['norms'];
  /** Means of the columns of the projections, and their variances, [d], by the rows' weights. */
  means: Float64Array;
  variances: Float64Array;
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
): Judgement {
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
