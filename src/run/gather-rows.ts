import { reduceTasks } from '../executor/executor.js';
import { tellRows } from '../executor/tell-rows.js';
import { partitionInputs } from './partition-inputs.js';
import type { LockedRun } from './plan-extension.js';

/** Takes the projections of tokens [at, at + count) of those that are asked for, float32 [count, d] row-major. */
type OnRows = (rows: Float32Array, at: number) => void;

/**
 * Reads the projections of some tokens of a run on the pool, from the partitions in which they lie, which are known to be as they
 * were recorded. At most one partition a worker is in memory.
 *
 * @param tokens ascending, each once
 * @param onRows is handed them in their order
 */
export async function gatherRows(
  run: Pick<LockedRun, 'directory' | 'manifest' | 'context'>,
  tokens: Int32Array,
  onRows: OnRows,
): Promise<void> {
  const { executor, stopwatch } = run.context;
  let at = 0;
  const inputs = partitionInputs(run).flatMap((partition) => {
    const { first, count } = partition.rows;
    const from = at;
    while (at < tokens.length && tokens[at]! < first + count) at++;
    return at === from ? [] : [{ ...partition, tokens: tokens.slice(from, at) }];
  });
  const total = inputs.reduce((sum, { rows }) => sum + rows.count, 0);
  let done = 0;
  await stopwatch.time('rows', total, (advance) =>
    reduceTasks(tellRows(executor, advance), 'gather', inputs, ({ rows }, index) => {
      onRows(rows, done);
      done += inputs[index]!.tokens.length;
    }),
  );
}
