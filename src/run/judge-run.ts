import type { BasisCheck } from '../checks/basis-check.js';
import { checkProjections, type Expected, NOTEBOOK_NORM_LIMIT } from '../checks/identities.js';
import { mergeMeasurements } from '../checks/measurements.js';
import { freivaldsProbe } from '../checks/probe.js';
import type { Verification } from '../checks/verdict.js';
import { VerificationError } from '../errors.js';
import { type Executor, runTasks } from '../executor/executor.js';
import type { VerifyResult } from '../executor/tasks.js';
import type { ExpectedFile, SliceRecord, VerifiedFile } from '../files/file-record.js';
import type { RowSource } from '../input/checkpoint.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import { momentsOfSums } from '../linalg/moments.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import type { Manifest } from '../output/manifest.js';
import type { RowRange } from '../plan/row-ranges.js';
import type { MergedTables } from '../tables/merged-tables.js';

/** A partition as it lies on disk, with what was recorded of it. */
export interface RecordedPartition {
  rows: RowRange;
  parquet: ExpectedFile | null;
  arrow: ExpectedFile | null;
  slices: SliceRecord[];
}

/** What the verification of a run found. */
export interface VerificationResult {
  /** Of each partition, in order. */
  files: VerifiedFile[][];
  verification: Verification;
  projections: Manifest['projections'];
  norms: Manifest['norms'];
}

/** Re-reads every partition and the checkpoint on the pool, and judges identities 2 to 6. */
export async function judgeRun(
  executor: Executor,
  options: {
    source: RowSource;
    directory: string;
    metadata: Record<string, string>;
    partitions: readonly RecordedPartition[];
    basis: StoredEigenbasis;
    /** Identity 1, of the same basis. */
    basisCheck: BasisCheck;
    ridge: number | null;
    metric: Expected['metric'];
    /** Takes the tables' parts, measured with the partitions; null where none are wanted. */
    tables: MergedTables | null;
  },
  onRows: (rows: number) => void,
): Promise<VerificationResult> {
  const { source, directory, metadata, partitions, basis, basisCheck, ridge, metric, tables } = options;
  const d = source.columns;
  const probe = freivaldsProbe(basis.eigenvectors, d);
  const inputs = partitions.map((partition) => ({
    ...partition,
    source,
    directory,
    metadata,
    eigenvalues: basis.eigenvalues,
    probe,
    tables: tables?.settings ?? null,
  }));
  const parts: Omit<VerifyResult, 'tables'>[] = [];
  await runTasks(executor, 'verify', inputs, ({ tables: part, ...measures }, index) => {
    if (part !== null) tables?.add(part, partitions[index]!.rows, index);
    parts[index] = measures;
    onRows(measures.rows);
  });
  const measurements = mergeMeasurements(parts);
  const mean = measurements.gammaSums.map((sum) => sum / measurements.rows);
  const checks = [
    ...basisCheck.checks,
    ...checkProjections(measurements, {
      eigenvalues: basis.eigenvalues,
      covarianceEigenvalues: basis.covarianceEigenvalues,
      ridge,
      meanProjections: rowTimesMatrix(mean, basis.eigenvectors),
      metric,
    }),
  ];

  const { rows, normDifference } = measurements;
  return {
    files: parts.map(({ files }) => files),
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
  };
}

/**
 * Ends a run whose checks failed.
 * @throws VerificationError with the figures of every failed check, where there is one
 */
export function refuseFailed(directory: string, checks: Verification['checks']): void {
  const failed = checks.filter(({ verdict }) => verdict === 'failed');
  if (failed.length === 0) return;
  const lines = failed.map(({ name, measured, tolerance, detail }) => {
    const figures = `${name}: ${measured} is beyond ${tolerance}`;
    return detail === undefined ? figures : `${figures}\n${detail}`;
  });
  throw new VerificationError(`${directory}: verification failed:\n${lines.join('\n')}`);
}
