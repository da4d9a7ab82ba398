import { mostRepeated } from '../checks/like-entries.js';
import { freivaldsProbe } from '../checks/probe.js';
import type { Summation } from '../checks/rounding.js';
import { type Executor, runTasks } from '../executor/executor.js';
import type { VerifyResult } from '../executor/tasks.js';
import { tellRows } from '../executor/tell-rows.js';
import type { RowSource } from '../input/checkpoint.js';
import type { StoredEigenbasis } from '../linalg/eigenbasis.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import type { RowRange } from '../plan/row-ranges.js';
import type { MergedTables } from '../tables/merged-tables.js';
import type { RecordedPartition } from './recorded-partitions.js';

/** A run whose partitions lie on disk. */
export interface MeasuredRun {
  /** Null where it is not at hand: then the projections are measured alone. */
  source: RowSource | null;
  /** d */
  hidden: number;
  directory: string;
  metadata: Record<string, string>;
  partitions: readonly RecordedPartition[];
  basis: StoredEigenbasis;
  /** How the products were summed. */
  summation: Summation;
  /** Weights of all rows, [V], and mu, [d]; null where all are alike. */
  weighing: { weights: Float64Array; mean: Float64Array } | null;
  /** Takes the tables' parts, measured with the partitions; null where none are wanted. */
  tables: MergedTables | null;
}

/** Re-reads every partition and the checkpoint on the pool. @returns what was measured of each partition, in order */
export async function measurePartitions(
  executor: Executor,
  { source, hidden, directory, metadata, partitions, basis, summation, weighing, tables }: MeasuredRun,
  onRows: (rows: number) => void,
): Promise<Omit<VerifyResult, 'tables'>[]> {
  const probe = freivaldsProbe(basis.eigenvectors, hidden);
  const likeEntries = mostRepeated(basis.eigenvectors, hidden);
  const means = weighing === null ? null : rowTimesMatrix(weighing.mean, basis.eigenvectors);
  const rangeOf = ({ first, count }: RowRange) =>
    weighing === null || means === null
      ? undefined
      : { weights: weighing.weights.slice(first, first + count), means };
  const inputs = partitions.map((partition) => ({
    ...partition,
    isUncached: false,
    source,
    hidden,
    directory,
    metadata,
    eigenvalues: basis.eigenvalues,
    probe,
    summation,
    likeEntries,
    weighing: rangeOf(partition.rows),
    tables: tables?.settings ?? null,
  }));
  const parts: Omit<VerifyResult, 'tables'>[] = [];
  await runTasks(tellRows(executor, onRows), 'verify', inputs, ({ tables: part, ...measures }, index) => {
    if (part !== null) tables?.add(part, partitions[index]!.rows, index);
    parts[index] = measures;
  });
  return parts;
}
