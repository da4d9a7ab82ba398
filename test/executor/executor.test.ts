import test from 'ava';
import fc from 'fast-check';
import { RunError } from '../../src/errors.js';
import { type Executor, reduceTasks, runTasks } from '../../src/executor/executor.js';
import type { TaskName, Tasks } from '../../src/executor/tasks.js';

/** Runs 'scan' tasks when the test says so; row ranges stand for the tasks' indexes. */
class ManualExecutor implements Executor {
  readonly started: number[] = [];
  readonly #running = new Map<number, PromiseWithResolvers>();

  constructor(readonly concurrency: number) {}

  start(): void {}

  rest(): void {}

  run<Name extends TaskName>(_: Name, input: Tasks[Name]['input']): Promise<Tasks[Name]['result']> {
    const index = (input as Tasks['scan']['input']).rows.first;
    this.started.push(index);
    return new Promise((resolve, reject) =>
      this.#running.set(index, { resolve: resolve as PromiseWithResolvers['resolve'], reject }),
    );
  }

  get running(): number[] {
    return [...this.#running.keys()];
  }

  async finish(index: number): Promise<void> {
    this.#take(index).resolve({
      sha256: `result ${index}`,
      columnSums: Float64Array.of(index),
      offsets: null,
      rowHashes: null,
      columnSquares: null,
      onlyRow: null,
    });
    await settled();
  }

  async fail(index: number, error: unknown): Promise<void> {
    this.#take(index).reject(error);
    await settled();
  }

  async close(): Promise<void> {}

  #take(index: number): PromiseWithResolvers {
    const task = this.#running.get(index);
    if (task === undefined) throw new Error(`task ${index} is not running`);
    this.#running.delete(index);
    return task;
  }
}

interface PromiseWithResolvers {
  resolve: (result: Tasks['scan']['result']) => void;
  reject: (error: unknown) => void;
}

/** Until every promise that could settle has. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

const source = { file: 'a', tensor: null, dtype: 'float32', rows: 9, columns: 1, byteOffset: 0 } as const;

function inputsOf(count: number): Tasks['scan']['input'][] {
  return Array.from({ length: count }, (_, first) => ({ source, rows: { first, count: 1 } }));
}

const ignore = () => {};

test('tasks start in order, at most `concurrency` of them at once', async (t) => {
  const executor = new ManualExecutor(3);
  const seen: [string, number][] = [];
  const done = runTasks(
    executor,
    'scan',
    inputsOf(7),
    ({ sha256 }, index) => void seen.push([sha256, index]),
  );
  t.deepEqual(executor.started, [0, 1, 2]);
  await executor.finish(1);
  t.deepEqual(executor.started, [0, 1, 2, 3]);
  for (const index of [3, 4, 5, 0, 6, 2]) {
    t.is(executor.running.length, Math.min(3, 7 - seen.length));
    await executor.finish(index);
  }
  await done;
  t.deepEqual(executor.started, [0, 1, 2, 3, 4, 5, 6]);
  t.deepEqual(
    seen,
    [1, 3, 4, 5, 0, 6, 2].map((index) => [`result ${index}`, index]),
  );
});

test('fewer tasks than workers, and none at all', async (t) => {
  const executor = new ManualExecutor(4);
  const done = runTasks(executor, 'scan', inputsOf(1), ignore);
  t.deepEqual(executor.started, [0]);
  await executor.finish(0);
  await done;
  await runTasks(executor, 'scan', [], () => t.fail());
  t.deepEqual(executor.started, [0]);
});

test('an input is taken when its task begins, after what was found before; one that cannot be made is a failure', async (t) => {
  const executor = new ManualExecutor(2);
  const taken: string[][] = [];
  const found: string[] = [];
  function* inputs() {
    for (let first = 0; first < 3; first++) {
      taken.push([...found]);
      yield inputsOf(3)[first]!;
    }
    throw new RunError('no more');
  }
  const done = runTasks(executor, 'scan', inputs(), ({ sha256 }) => void found.push(sha256));
  done.catch(ignore);
  await executor.finish(1);
  t.deepEqual(taken, [[], [], ['result 1']]);
  await executor.finish(2);
  await executor.finish(0);
  await t.throwsAsync(done, { message: 'no more' });
  t.deepEqual(found, ['result 1', 'result 2', 'result 0']);
});

test('after a failure no task is started, running ones are waited for and kept, the first failure is thrown', async (t) => {
  const executor = new ManualExecutor(3);
  const kept: number[] = [];
  let isOver = false;
  const done = runTasks(executor, 'scan', inputsOf(9), (_, index) => void kept.push(index));
  const over = done
    .catch(() => {})
    .finally(() => {
      isOver = true;
    });
  await executor.fail(1, new RunError('the first'));
  t.deepEqual(executor.started, [0, 1, 2]);
  await executor.finish(2);
  t.deepEqual(executor.started, [0, 1, 2]);
  t.false(isOver);
  await executor.fail(0, new RunError('the second'));
  await t.throwsAsync(done, { instanceOf: RunError, message: 'the first' });
  await over;
  t.deepEqual(kept, [2]);
});

test('a result that cannot be taken is a failure like any other', async (t) => {
  for (const onResult of [
    () => {
      throw new RunError('disk full');
    },
    async () => {
      await settled();
      throw new RunError('disk full');
    },
  ]) {
    const executor = new ManualExecutor(2);
    const done = runTasks(executor, 'scan', inputsOf(5), onResult);
    done.catch(ignore);
    await executor.finish(0);
    await settled();
    t.deepEqual(executor.started, [0, 1]);
    await executor.finish(1);
    await t.throwsAsync(done, { instanceOf: RunError, message: 'disk full' });
  }
});

test('a result that takes time to be taken holds its place', async (t) => {
  const executor = new ManualExecutor(1);
  const waiting: (() => void)[] = [];
  const done = runTasks(executor, 'scan', inputsOf(2), () => new Promise<void>((go) => waiting.push(go)));
  await executor.finish(0);
  t.deepEqual(executor.started, [0]);
  waiting.shift()!();
  await settled();
  t.deepEqual(executor.started, [0, 1]);
  await executor.finish(1);
  waiting.shift()!();
  await done;
});

test('a reduction merges in order of the index, each as soon as it can be, whatever the order of completion', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 4 }),
      fc.infiniteStream(fc.nat()),
      async (count, concurrency, choices) => {
        const executor = new ManualExecutor(concurrency);
        const merged: number[] = [];
        const finished = new Set<number>();
        const done = reduceTasks(executor, 'scan', inputsOf(count), ({ columnSums }, index) => {
          t.is(columnSums[0], index);
          merged.push(index);
        });
        for (const choice of choices) {
          const { running } = executor;
          if (running.length === 0) break;
          const index = running[choice % running.length]!;
          finished.add(index);
          await executor.finish(index);
          let ready = 0;
          while (finished.has(ready)) ready++;
          t.is(merged.length, ready);
        }
        await done;
        t.deepEqual(
          merged,
          Array.from({ length: count }, (_, index) => index),
        );
      },
    ),
    { seed: 1, numRuns: 100 },
  );
});

test('a reduction ends with the first failure, and merges nothing after the gap', async (t) => {
  const executor = new ManualExecutor(2);
  const merged: number[] = [];
  const done = reduceTasks(executor, 'scan', inputsOf(5), (_, index) => void merged.push(index));
  done.catch(ignore);
  await executor.finish(0);
  await executor.fail(1, new RunError('the first'));
  await executor.finish(2);
  await t.throwsAsync(done, { instanceOf: RunError, message: 'the first' });
  t.deepEqual(merged, [0]);
  t.deepEqual(executor.started, [0, 1, 2]);
});
