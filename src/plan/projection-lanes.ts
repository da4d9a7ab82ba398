/** Hidden size from which on copies of the eigenvectors are so large, 268 MB each, that they may be too many. */
const LARGE = 8192;

/** Part of the memory that copies of the eigenvectors may take. */
const SHARE = 1 / 4;

/**
 * Columns that a thread of a product has at least: where it has 64 or fewer, onnxruntime sums in other stretches, and the
 * bits would depend on the number of threads.
 */
const COLUMNS_PER_THREAD = 128;

/** How the workers of a process share the projection: so many partitions at once, each with so many threads. */
export interface ProjectionLanes {
  lanes: number;
  threads: number;
}

/**
 * Decides how many partitions are projected at once. Each takes a copy of the eigenvectors, arranged for the processor: one
 * for every worker, which is the fastest, or a single one for all of them where so many do not fit. The bits are the same.
 *
 * @param d hidden size
 * @param memoryBytes memory that the process may have
 */
export function projectionLanes(d: number, workers: number, memoryBytes: number): ProjectionLanes {
  if (d < LARGE || workers * d * d * 4 <= SHARE * memoryBytes) return { lanes: workers, threads: 1 };
  return { lanes: 1, threads: Math.min(workers, Math.floor(d / COLUMNS_PER_THREAD)) };
}
