import { runTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import { slicesOf } from '../output/exports.js';
import type { JournalEntry } from '../output/journal.js';
import type { Basis } from './basis.js';
import type { BegunRun } from './begun-run.js';
import type { IntactUnits } from './intact-units.js';

/** A partition whose files lie on disk. */
export type ProjectedPartition = Omit<Extract<JournalEntry, { step: 'partition' }>, 'step'>;

/** Projects, on the pool, every partition that is not intact, and records each; returns all, in order. */
export async function projectPartitions(
  { prepared, directory, exports, context: { executor, stopwatch } }: BegunRun,
  basis: Basis,
  intact: IntactUnits,
): Promise<ProjectedPartition[]> {
  const { plan, checkpoint, backend, metadata } = prepared;
  const partitions: (ProjectedPartition | undefined)[] = [...intact.partitions];
  const open = plan.partitions.filter(({ index }) => partitions[index] === undefined);
  const inputs = open.map(({ rows, parquet, arrow }) => ({
    source: checkpoint.source,
    rows,
    eigenvectors: basis.stored.reference,
    backend: backend.choice,
    directory: directory.path,
    lock: directory.lock,
    parquet,
    arrow,
    slices: slicesOf(exports.projections, rows, plan.hidden),
    metadata,
  }));
  const rows = open.reduce((sum, partition) => sum + partition.rows.count, 0);
  await stopwatch.time('projection', rows, (advance) =>
    runTasks(tellRows(executor, advance), 'project', inputs, (result, position) => {
      const partition = open[position]!;
      const projected = { index: partition.index, ...result };
      directory.record({ step: 'partition', ...projected });
      partitions[partition.index] = projected;
    }),
  );
  return partitions as ProjectedPartition[];
}
