import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { EigenshardError, InputError, VerificationError } from '../../src/errors.js';
import type { Tasks } from '../../src/executor/tasks.js';
import { RETRIES_AFTER_DEATH, ThreadExecutor } from '../../src/executor/threads.js';
import type { RowSource } from '../../src/input/checkpoint.js';
import { scratchDirectory, scratchFile } from '../helpers/fixtures.js';

function executorOf(
  t: ExecutionContext,
  fixture: 'dying' | 'failing' | 'reporting' | 'waiting',
  options: { workers?: number; signal?: AbortSignal; onRetry?: (message: string) => void } = {},
): ThreadExecutor {
  const filename = new URL(`fixtures/${fixture}.js`, import.meta.url).href;
  const executor = new ThreadExecutor({ workers: 1, ...options, filename });
  t.teardown(() => executor.close());
  return executor;
}

/** What the fixtures want of a checkpoint is the name of a file. */
const sourceOf = (file: string): RowSource => ({
  file,
  tensor: null,
  dtype: 'float32',
  rows: 8,
  columns: 1,
  byteOffset: 0,
});

const attemptsIn = (file: string) => readFileSync(file).length;

test('a task whose thread dies is retried, then fails as worker-died, and says which rows it was about', async (t) => {
  const file = join(scratchDirectory(t), 'attempts');
  const notes: string[] = [];
  const executor = executorOf(t, 'dying', { onRetry: (message) => notes.push(message) });
  const error = await t.throwsAsync(
    executor.run('scan', { source: sourceOf(file), rows: { first: 100, count: 28 } }),
    { instanceOf: EigenshardError },
  );
  t.is(error.kind, 'worker-died');
  t.regex(error.message, /^a worker thread died during scan of rows 100 to 127: /);
  t.is(attemptsIn(file), 1 + RETRIES_AFTER_DEATH);
  t.deepEqual(
    notes.map((note) => note.replace(/^.*; /, '')),
    ['trying again (1 of 2)', 'trying again (2 of 2)'],
  );
  t.true(notes.every((note) => note.includes('scan of rows 100 to 127')));
});

const backend = { backend: 'portable' } as const;

test('a task whose first thread dies succeeds on the second, and the pool goes on', async (t) => {
  const notes: string[] = [];
  const executor = executorOf(t, 'dying', { onRetry: (message) => notes.push(message) });
  const directory = scratchDirectory(t);
  for (const name of ['a', 'b']) {
    const file = join(directory, name);
    const input = {
      source: sourceOf(file),
      rows: { first: 0, count: 1 },
      columns: { first: 0, end: 1 },
      mean: Float64Array.of(1, 2),
      backend,
    };
    const told: number[] = [];
    const result = await executor.run('covariance', input, (done) => told.push(done));
    t.deepEqual(result, { sums: Float64Array.of(1, 2) });
    t.deepEqual(told, [0], 'it begins again');
    t.is(attemptsIn(file), 2);
  }
  t.is(notes.length, 2);
});

test('the death of a unit names it and its stage', async (t) => {
  const executor = executorOf(t, 'dying');
  const input = { stage: 'project', unit: 3, rows: { count: 10 } } as Tasks['unit']['input'];
  const error = await t.throwsAsync(executor.run('unit', input), { instanceOf: EigenshardError });
  t.regex(error.message, /^a worker thread died during unit 3 of project: /);
});

test('the death of a task without rows names the task alone', async (t) => {
  const executor = executorOf(t, 'dying');
  const error = await t.throwsAsync(executor.run('checksum', { files: [] }), {
    instanceOf: EigenshardError,
  });
  t.is(error.kind, 'worker-died');
  t.regex(error.message, /^a worker thread died during checksum: /);
});

test('a failure keeps its kind, its message and its place across the thread, and is not retried', async (t) => {
  const file = join(scratchDirectory(t), 'attempts');
  const executor = executorOf(t, 'failing', { onRetry: () => t.fail() });
  const expected = [
    [InputError, 'input', 'wrong input'],
    [EigenshardError, 'run', 'disk full'],
    [VerificationError, 'verification', 'bad bytes'],
    [EigenshardError, 'worker-died', 'reported, not died'],
    [Error, undefined, 'a mistake'],
    [Error, undefined, 'not even an error'],
  ] as const;
  for (const [first, [instanceOf, kind, message]] of expected.entries()) {
    const error = await t.throwsAsync(
      executor.run('scan', { source: sourceOf(file), rows: { first, count: 1 } }),
      { instanceOf },
    );
    t.is((error as Partial<EigenshardError>).kind, kind);
    t.is(error.message, message);
    if (message !== 'not even an error') t.regex(error.stack!, /fixtures[/\\]failing/);
    t.is(attemptsIn(file), first + 1);
  }
});

test("the run's own worker entry hands a task's failure on", async (t) => {
  const executor = new ThreadExecutor({ workers: 1 });
  t.teardown(() => executor.close());
  const missing = join(scratchDirectory(t), 'missing.safetensors');
  const rows = { first: 0, count: 8 };
  const error = await t.throwsAsync(executor.run('scan', { source: sourceOf(missing), rows }), {
    instanceOf: InputError,
  });
  t.true(error.message.startsWith(missing));

  const file = scratchFile(t, 'model', Buffer.alloc(8 * 4));
  const { columnSums } = await executor.run('scan', { source: sourceOf(file), rows });
  t.deepEqual(columnSums, Float64Array.of(0));
});

test('the rows that a task reports are told to who called it, and nobody else asks for reports', async (t) => {
  const executor = executorOf(t, 'reporting');
  const memory = new SharedArrayBuffer(8);
  const mean = new Float64Array(memory);
  const unit = { rows: { first: 0, count: 8 }, columns: { first: 0, end: 1 } };
  const input = { ...unit, source: sourceOf(''), mean, backend };
  t.deepEqual(await executor.run('covariance', input), { sums: Float64Array.of(-1) });
  const told: number[] = [];
  const result = await executor.run('covariance', input, (done) => {
    told.push(done);
    Atomics.store(new Int32Array(memory), 0, 1);
    Atomics.notify(new Int32Array(memory), 0);
  });
  t.deepEqual(result, { sums: Float64Array.of(1) });
  t.deepEqual(told, [4]);
});

test('as many tasks run at once as there are workers', async (t) => {
  const workers = 3;
  const executor = executorOf(t, 'waiting', { workers });
  t.is(executor.concurrency, workers);
  const mean = new Float64Array(new SharedArrayBuffer(8));
  const unit = { rows: { first: 0, count: workers }, columns: { first: 0, end: 1 } };
  const input = { ...unit, source: sourceOf(''), mean, backend };
  const results = await Promise.all(Array.from({ length: workers }, () => executor.run('covariance', input)));
  t.deepEqual(
    results.map(({ sums }) => [...sums]),
    Array.from({ length: workers }, () => [workers]),
  );
});

test('threads that rest are new ones for the next task, and while a task runs they go on', async (t) => {
  const workers = 2;
  const executor = executorOf(t, 'waiting', { workers, onRetry: () => t.fail() });
  executor.rest();
  const met = new Set<number>();
  for (const count of [1, 2]) {
    const mean = new Float64Array(new SharedArrayBuffer(8));
    const input = {
      rows: { first: 0, count: workers },
      columns: { first: 0, end: 1 },
      source: sourceOf(''),
      mean,
      backend,
    };
    const first = executor.run('covariance', input);
    executor.rest();
    // Both are there at once only where the first one goes on.
    const results = await Promise.all([first, executor.run('covariance', input)]);
    t.deepEqual(
      results.map(({ sums }) => [...sums]),
      [[2], [2]],
      `round ${count}`,
    );
    const { thread } = (await executor.run('digest', { files: [] } as never)) as unknown as {
      thread: number;
    };
    t.false(met.has(thread), `round ${count}`);
    met.add(thread);
    executor.rest();
    executor.rest();
  }
  await executor.close();
});

test('an abort cuts off a task that runs and one that waits: both reject as interrupted', async (t) => {
  const interruption = new AbortController();
  const executor = executorOf(t, 'waiting', { signal: interruption.signal, onRetry: () => t.fail() });
  const channel = new BroadcastChannel(`eigenshard-test-${process.pid}`);
  t.teardown(() => channel.close());
  const begun = new Promise((resolve) => {
    channel.onmessage = resolve;
  });
  const input = { source: sourceOf(channel.name), rows: { first: 0, count: 1 } };
  const tasks = [executor.run('scan', input), executor.run('scan', input)];
  await begun;
  interruption.abort();
  for (const task of tasks) {
    const error = await t.throwsAsync(task, { instanceOf: EigenshardError });
    t.is(error.kind, 'interrupted');
  }
});

test("an abort ends the run's own tasks at their next step, without ending their threads", async (t) => {
  const interruption = new AbortController();
  const executor = new ThreadExecutor({
    workers: 1,
    signal: interruption.signal,
    onRetry: () => t.fail(),
    graceMs: 300_000,
  });
  t.teardown(() => executor.close());
  const rows = 100_000;
  const file = scratchFile(t, 'model', Buffer.alloc(rows * 64 * 4));
  const source = { ...sourceOf(file), rows, columns: 64 };
  const mean = new Float64Array(64);
  await executor.run('scan', { source, rows: { first: 0, count: 8 } });
  const unit = { rows: { first: 0, count: rows }, columns: { first: 0, end: 1 } };
  const task = executor.run('covariance', { ...unit, source, mean, backend });
  interruption.abort();
  const error = await t.throwsAsync(task, { instanceOf: EigenshardError });
  t.is(error.kind, 'interrupted');
  t.is(error.cause, undefined, 'a thread that was cut off would be the cause');
});

test('after an abort every call rejects as interrupted', async (t) => {
  const executor = executorOf(t, 'waiting', { signal: AbortSignal.abort() });
  const error = await t.throwsAsync(executor.run('checksum', { files: [] }), {
    instanceOf: EigenshardError,
  });
  t.is(error.kind, 'interrupted');
});

test('many tasks under one signal pass without a warning', async (t) => {
  const warnings: string[] = [];
  const listen = (warning: Error) => void warnings.push(warning.message);
  process.on('warning', listen);
  const executor = executorOf(t, 'waiting', { signal: new AbortController().signal });
  const tasks = Array.from({ length: 40 }, () => executor.run('checksum', { files: [] }));
  for (const result of await Promise.all(tasks)) t.deepEqual(result, { problems: [] });
  // Warnings are emitted on the next tick.
  await new Promise((resolve) => setImmediate(resolve));
  process.removeListener('warning', listen);
  t.deepEqual(warnings, []);
});

test('an interruption ends a check of files, and is not taken for damage of theirs', async (t) => {
  const absolutePath = scratchFile(t, 'long', '');
  // Zeros that take no space, and minutes to read.
  const bytes = 2 ** 40;
  truncateSync(absolutePath, bytes);
  const file = { path: 'long', absolutePath, bytes, crc32: 0 };
  const interruption = new AbortController();
  const executor = new ThreadExecutor({ workers: 2, signal: interruption.signal });
  t.teardown(() => executor.close());
  await executor.run('checksum', { files: [] });
  const inputs = [{ files: [file] }, { files: [{ path: 'long', absolutePath, bytes, sha256: '' }] }];
  const checks = inputs.map((input) => executor.run('checksum', input));
  await delay(100);
  interruption.abort();
  for (const check of await Promise.allSettled(checks)) {
    t.like(check, { status: 'rejected', reason: { kind: 'interrupted' } });
  }
});
