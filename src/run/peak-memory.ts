import { totalmem } from 'node:os';
import { InputError } from '../errors.js';
import { dtypeBytes } from '../formats/dtype.js';
import type { RowSource } from '../input/checkpoint.js';
import type { BackendChoice } from '../linalg/backend/backend.js';
import { SUMMED_ROWS } from '../linalg/product-shapes.js';
import { covarianceLength } from '../plan/covariance-blocks.js';
import { covarianceUnits } from '../plan/covariance-units.js';
import { type Plan, STRIP_ROWS } from '../plan/plan-run.js';
import { projectionLanes } from '../plan/projection-lanes.js';
import { count, counted, formatBytes } from '../text/figures.js';

/** Memory of Node.js, the packages and their native libraries on the main thread. */
export const PROCESS_BYTES = 140e6;
/** Memory of a worker before its first task. */
export const WORKER_BYTES = 20e6;

/** Matrices [d, d] of float64 that the coordinator holds at once, at most: C, its eigenvectors, and M in the making. */
export const COORDINATOR_MATRICES = 4;

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
  // Where rows have weights, most of the centred ones are there twice.
  const summed = Math.min(SUMMED_ROWS, rows) * d;
  const covariance = computesMetric ? summed * (dtypeBytes[dtype] + 4 + 2 * 8) : 0;
  // Arrow rows are held until the partition is complete.
  const projection = (arrow === null ? strip * 4 : partition) + (parquet === null ? 0 : partition);
  const kernelMemory = Math.max(covariance, read + projection);
  const sums = computesMetric
    ? Math.max(...covarianceUnits(rows, d).map(({ columns }) => covarianceLength(d, columns) * 8))
    : 0;
  const busy = Math.min(workers, Math.max(partitions.length, scans.length));
  const { lanes } = projectionLanes(d, workers, memoryBytes());
  const eigenvectors = Math.min(busy, lanes) * d * d * 4;
  return coordinatorBytes(d) + workers * WORKER_BYTES + busy * (kernelMemory + sums) + eigenvectors;
}

function coordinatorBytes(d: number): number {
  return PROCESS_BYTES + COORDINATOR_MATRICES * d * d * 8;
}

/** Memory that this process may have: all of the machine's, or what its container is given of it. */
export function memoryBytes(): number {
  const limit = process.constrainedMemory();
  // Without a limit it is 0, or a number beyond any machine.
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** Memory of which copies of the eigenvectors may take a share: a device holds one for all workers, in its own memory. */
export function memoryForCopies({ backend }: BackendChoice): number {
  return backend === 'webgpu' ? Number.POSITIVE_INFINITY : memoryBytes();
}

/**
 * Refuses a run that cannot be: a file of a few megabytes may hold rows so long that their covariance fits no machine.
 *
 * @param name of the model, for messages
 * @throws InputError where what the coordinator alone holds is more than all memory
 */
export function refuseBeyondMemory(
  name: string,
  { rows, columns: d }: Pick<RowSource, 'rows' | 'columns'>,
): void {
  const [needed, there] = [coordinatorBytes(d), memoryBytes()];
  if (needed <= there) return;
  throw new InputError(
    `${name}: ${counted(rows, 'row')} of ${count(d)} numbers: to decompose a matrix of ${count(d)} x ${count(d)} takes about ` +
      `${formatBytes(needed)} of memory, and there are ${formatBytes(there)}; is it the matrix that you mean, and are ` +
      'its rows the tokens?',
  );
}
