import { reduceTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import { covarianceBlocks, unpackCovariance } from '../linalg/covariance-blocks.js';
import type { RunContext } from './context.js';
import type { PreparedRun } from './prepare-run.js';

/**
 * C = (1/V) sum_i (gamma_i - mu)(gamma_i - mu)^T, [d, d], float64: a map-reduce over fixed ranges of rows, merged
 * in their order, so that its bits depend neither on the workers nor on the partitions. Divisor V, not V - 1.
 */
export async function computeCovariance(
  { checkpoint: { source }, plan, scan, backend }: PreparedRun,
  { executor, stopwatch }: RunContext,
): Promise<Float64Array> {
  const total = new Float64Array(covarianceBlocks(plan.hidden).length);
  const inputs = plan.scans.map((rows) => ({ source, rows, mean: scan.mean, backend: backend.choice }));
  await stopwatch.time('covariance', plan.rows, (advance) =>
    reduceTasks(tellRows(executor, advance), 'covariance', inputs, ({ blocks }) => {
      for (let k = 0; k < total.length; k++) total[k]! += blocks[k]!;
    }),
  );
  return unpackCovariance(total, plan.hidden, source.rows);
}
