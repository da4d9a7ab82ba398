import { dtypeBytes } from '../formats/dtype.js';
import type { RowSource } from '../input/checkpoint.js';
import { covarianceBlocks } from '../linalg/covariance-blocks.js';
import { type Plan, STRIP_ROWS } from '../plan/plan-run.js';

/** Memory of Node.js, the packages and their native libraries on the main thread. */
const PROCESS_BYTES = 140e6;
/** Memory of a worker before its first task. */
const WORKER_BYTES = 20e6;

/** Matrices [d, d] of float64 that the coordinator holds at once, at most: C, its eigenvectors, and M in the making. */
const COORDINATOR_MATRICES = 4;

/**
 * Estimates the most memory that a run needs: what the coordinator holds while it decomposes, and in each worker the
 * largest of its tasks (kernel memory grows to it and stays) and the eigenvectors.
 */
export function peakMemoryBytes(
  { rows, hidden: d, partitionRows, scans, partitions }: Plan,
  { dtype, workers, computesMetric }: { dtype: RowSource['dtype']; workers: number; computesMetric: boolean },
): number {
  const strip = Math.min(STRIP_ROWS, rows) * d;
  const read = strip * (dtypeBytes[dtype] + 4);
  const partition = partitionRows * d * 4;
  const { parquet, arrow } = partitions[0]!;
  const covariance = computesMetric ? 2 * strip * 8 : 0;
  // Arrow rows are held until the partition is complete, and read back as a whole.
  const projection = (arrow === null ? strip * 4 : partition) + (parquet === null ? 0 : partition);
  const kernelMemory = read + Math.max(covariance, projection);
  const sums = computesMetric ? covarianceBlocks(d).length * 8 : 0;
  const readBack = arrow === null ? 0 : partition;
  const busy = Math.min(workers, Math.max(partitions.length, scans.length));
  return (
    PROCESS_BYTES +
    COORDINATOR_MATRICES * d * d * 8 +
    workers * WORKER_BYTES +
    busy * (kernelMemory + Math.max(sums, readBack) + d * d * 4)
  );
}
