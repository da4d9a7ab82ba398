import test from 'ava';
import { RunError } from '../../src/errors.js';
import type { Executor } from '../../src/executor/executor.js';
import { tellRows } from '../../src/executor/tell-rows.js';

const source = { file: 'a', tensor: null, dtype: 'float32', rows: 90, columns: 1, byteOffset: 0 } as const;
const input = { source, rows: { first: 0, count: 90 } };

/** An executor whose only task says that it has done so many rows, again and again, and then ends as it is told. */
function executorOf(reports: readonly number[], end: () => unknown): Executor {
  return {
    concurrency: 3,
    start: () => {},
    rest: () => {},
    run: async (_, __, onRows) => {
      for (const done of reports) onRows?.(done);
      return end() as never;
    },
    close: async () => {},
  };
}

function fails(): never {
  throw new RunError('disk full');
}

test('the rows of a task are told as they are done, and the rest of them at its end', async (t) => {
  const told: number[] = [];
  const executor = tellRows(
    executorOf([20, 20, 50], () => 'result'),
    (rows) => told.push(rows),
  );
  t.is(executor.concurrency, 3);
  t.is((await executor.run('scan', input)) as unknown, 'result');
  t.deepEqual(told, [20, 30, 40]);
});

test('a task that reports nothing is told as a whole, and one that is begun again counts once', async (t) => {
  for (const [reports, expected] of [
    [[], [90]],
    [
      [60, 0, 30],
      [60, -60, 30, 60],
    ],
    [[90], [90]],
  ] as const) {
    const told: number[] = [];
    await tellRows(
      executorOf(reports, () => 'result'),
      (rows) => told.push(rows),
    ).run('scan', input);
    t.deepEqual(told, expected);
  }
});

test('what a task had done that fails is taken back, and its failure stays what it was', async (t) => {
  const told: number[] = [];
  const executor = tellRows(executorOf([20, 50], fails), (rows) => told.push(rows));
  await t.throwsAsync(executor.run('scan', input), { instanceOf: RunError, message: 'disk full' });
  t.deepEqual(told, [20, 30, -50]);
  const silent = tellRows(executorOf([], fails), () => t.fail());
  await t.throwsAsync(silent.run('scan', input), { instanceOf: RunError });
});
