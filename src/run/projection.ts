import { type Executor, runTasks } from '../executor/executor.js';
import type { EigenvectorsReference, Slice, WrittenFile } from '../executor/tasks.js';
import type { RowSource } from '../input/checkpoint.js';
import type { KernelsChoice } from '../linalg/backend/backend.js';
import type { Partition } from '../plan/plan-run.js';

export interface ProjectedPartition {
  index: number;
  files: WrittenFile[];
  crc32: number | null;
}

/**
 * Projects every partition of `partitions` on the pool. `onPartition` sees each as soon as its files are in
 * place, in any order.
 */
export async function projectPartitions(
  executor: Executor,
  options: {
    source: RowSource;
    partitions: readonly Partition[];
    eigenvectors: EigenvectorsReference;
    kernels: KernelsChoice;
    directory: string;
    metadata: Record<string, string>;
    /** Where a partition's rows lie in each row-major export. */
    slicesOf: (partition: Partition) => Slice[];
  },
  onPartition: (projected: ProjectedPartition, partition: Partition) => void,
): Promise<void> {
  const { partitions, slicesOf, ...shared } = options;
  const inputs = partitions.map((partition) => ({
    ...shared,
    rows: partition.rows,
    parquet: partition.parquet,
    arrow: partition.arrow,
    slices: slicesOf(partition),
  }));
  await runTasks(executor, 'project', inputs, (result, position) => {
    const partition = partitions[position]!;
    onPartition({ index: partition.index, ...result }, partition);
  });
}
