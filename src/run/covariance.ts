import { type Executor, reduceTasks } from '../executor/executor.js';
import type { RowSource } from '../input/checkpoint.js';
import type { KernelsChoice } from '../linalg/backend/backend.js';
import { covarianceBlocks, unpackCovariance } from '../linalg/covariance-blocks.js';
import type { RowRange } from '../plan/plan-run.js';

/**
 * C = (1/V) sum_i (gamma_i - mu)(gamma_i - mu)^T, [d, d], float64: a map-reduce over fixed ranges of rows, merged
 * in their order, so that its bits depend neither on the workers nor on the partitions. Divisor V, not V - 1.
 */
export async function computeCovariance(
  executor: Executor,
  source: RowSource,
  ranges: readonly RowRange[],
  mean: Float64Array,
  kernels: KernelsChoice,
  onRows: (rows: number) => void,
): Promise<Float64Array> {
  const d = source.columns;
  const total = new Float64Array(covarianceBlocks(d).length);
  const inputs = ranges.map((rows) => ({ source, rows, mean, kernels }));
  await reduceTasks(executor, 'covariance', inputs, ({ blocks }, index) => {
    for (let k = 0; k < total.length; k++) total[k]! += blocks[k]!;
    onRows(ranges[index]!.count);
  });
  return unpackCovariance(total, d, source.rows);
}
