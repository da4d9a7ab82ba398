import type { BasisCheck, StoredBasis } from '../checks/basis-check.js';
import { checkProjections, type Expected, mergeMeasures, NOTEBOOK_NORM_LIMIT } from '../checks/identities.js';
import { freivaldsProbe } from '../checks/probe.js';
import { VerificationError } from '../errors.js';
import { type Executor, runTasks } from '../executor/executor.js';
import type {
  ExpectedFile,
  Moments,
  PartitionMeasures,
  SliceRecord,
  VerifiedFile,
} from '../executor/tasks.js';
import type { RowSource } from '../input/checkpoint.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import type { Manifest, Verification } from '../output/manifest.js';
import type { RowRange } from '../plan/plan-run.js';
import type { MergedTables } from '../tables/merged-tables.js';

/** A partition as it lies on disk, with what was recorded of it. */
export interface RecordedPartition {
  rows: RowRange;
  parquet: ExpectedFile | null;
  arrow: ExpectedFile | null;
  slices: SliceRecord[];
}

export interface VerificationResult {
  /** Of each partition, in order. */
  files: VerifiedFile[][];
  verification: Verification;
  projections: Manifest['projections'];
  norms: Manifest['norms'];
}

/**
 * Re-reads every partition and the checkpoint on the pool, and judges identities 2 to 6.
 */
export async function verifyRun(
  executor: Executor,
  options: {
    source: RowSource;
    directory: string;
    metadata: Record<string, string>;
    partitions: readonly RecordedPartition[];
    basis: StoredBasis;
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
  const parts: Omit<PartitionMeasures, 'tables'>[] = [];
  await runTasks(executor, 'verify', inputs, ({ tables: part, ...measures }, index) => {
    if (part !== null) tables?.add(part, partitions[index]!.rows, index);
    parts[index] = measures;
    onRows(measures.rows);
  });
  const measures = mergeMeasures(parts);
  const mean = measures.gammaSums.map((sum) => sum / measures.rows);
  const checks = [
    ...basisCheck.checks,
    ...checkProjections(measures, {
      eigenvalues: basis.eigenvalues,
      covarianceEigenvalues: basis.covarianceEigenvalues,
      ridge,
      meanProjections: rowTimesMatrix(mean, basis.eigenvectors),
      metric,
    }),
  ];

  const { rows, normDifference } = measures;
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
      ...summarise(
        {
          minimum: measures.minima.reduce((a, b) => Math.min(a, b)),
          maximum: measures.maxima.reduce((a, b) => Math.max(a, b)),
          sum: measures.sums.reduce((a, b) => a + b),
          sumOfSquares: measures.sumsOfSquares.reduce((a, b) => a + b),
        },
        rows * d,
      ),
    },
    norms: {
      euclidean: summarise(measures.norm, rows),
      causal: summarise(measures.causalNorm, rows),
    },
  };
}

function summarise({ minimum, maximum, sum, sumOfSquares }: Moments, count: number) {
  const mean = sum / count;
  // Rounding can leave a variance of zero slightly below it.
  const variance = Math.max(0, sumOfSquares / count - mean * mean);
  return { minimum, maximum, mean, standardDeviation: Math.sqrt(variance) };
}

/** @throws VerificationError with the figures of every failed check, where there is one */
export function refuseFailed(directory: string, checks: Verification['checks']): void {
  const failed = checks.filter(({ verdict }) => verdict === 'failed');
  if (failed.length === 0) return;
  const lines = failed.map(({ name, measured, tolerance, detail }) => {
    const figures = `${name}: ${measured} is beyond ${tolerance}`;
    return detail === undefined ? figures : `${figures}\n${detail}`;
  });
  throw new VerificationError(`${directory}: verification failed:\n${lines.join('\n')}`);
}
