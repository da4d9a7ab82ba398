import { reduceTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import { unpackCovariance } from '../linalg/unpack-covariance.js';
import { covarianceUnits } from '../plan/covariance-units.js';
import type { RunContext } from './context.js';
import type { PreparedRun } from './prepare-run.js';

/**
 * C = (1/V) sum_i (gamma_i - mu)(gamma_i - mu)^T, [d, d], float64: a map-reduce over units that V and d decide, merged in
 * their order, so that its bits depend neither on the workers nor on the partitions. Divisor V, not V - 1.
 */
export async function computeCovariance(
  { checkpoint: { source }, plan, scan, backend }: PreparedRun,
  { executor, stopwatch }: RunContext,
): Promise<Float64Array> {
  const d = plan.hidden;
  const units = covarianceUnits(plan.rows, d);
  const inputs = units.map((unit) => ({ ...unit, source, mean: scan.mean, backend: backend.choice }));
  const matrix = new Float64Array(d * d);
  // A row counts in every group of columns.
  const total = units.reduce((sum, { rows }) => sum + rows.count, 0);
  let sums: Float64Array = new Float64Array(0);
  await stopwatch.time('covariance', plan.rows, (advance) => {
    let done = 0;
    const told = (rows: number) => {
      const before = Math.floor((done * plan.rows) / total);
      done += rows;
      advance(Math.floor((done * plan.rows) / total) - before);
    };
    return reduceTasks(tellRows(executor, told), 'covariance', inputs, ({ blocks }, index) => {
      const { rows, columns } = units[index]!;
      if (rows.first === 0) sums = blocks;
      else for (let k = 0; k < sums.length; k++) sums[k]! += blocks[k]!;
      if (rows.first + rows.count === plan.rows)
        unpackCovariance(sums, columns, { matrix, d, divisor: plan.rows });
    });
  });
  return matrix;
}
