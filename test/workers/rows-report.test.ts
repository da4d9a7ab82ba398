import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Executor } from '../../src/executor/executor.js';
import type { RowsDone, TaskName, Tasks } from '../../src/executor/tasks.js';
import { ThreadExecutor } from '../../src/executor/threads.js';
import { loadConfig, type Overrides } from '../../src/run/config.js';
import { coordinateRun } from '../../src/run/coordinator.js';
import { silentProgress } from '../../src/run/progress.js';
import { Stopwatch } from '../../src/run/stopwatch.js';
import { covariance } from '../../workers/covariance.js';
import { generate } from '../../workers/generate.js';
import { project } from '../../workers/project.js';
import { RowsReport, rowsReport } from '../../workers/rows-report.js';
import { scan } from '../../workers/scan.js';
import { verify } from '../../workers/verify.js';
import { scratchDirectory, scratchFile } from '../helpers/fixtures.js';
import { offlineHub, shardedModel } from '../helpers/runs.js';

test('rows are reported at most ten times a second, whatever the number of strips and of tasks', (t) => {
  const messages: RowsDone[] = [];
  let now = 1000;
  const report = new RowsReport(
    (message) => messages.push(message),
    () => now,
  );
  for (const call of [7, 8]) {
    report.begin({ call });
    for (let strip = 0; strip < 15; strip++, now += 10) report.advance(10);
  }
  t.deepEqual(messages, [
    { call: 7, rows: 10 },
    { call: 7, rows: 110 },
    { call: 8, rows: 60 },
  ]);
});

test('a task of several passes has done a row when all of them have', (t) => {
  const messages: RowsDone[] = [];
  let now = 0;
  const report = new RowsReport(
    (message) => messages.push(message),
    () => (now += 100),
  );
  report.begin({ call: 1 });
  report.ofPasses(3);
  for (const rows of [100, 100, 25, 75]) report.advance(rows);
  report.begin({ call: 2 });
  report.advance(100);
  t.deepEqual(
    messages.map(({ rows }) => rows),
    [33, 66, 75, 100, 100],
  );
});

test('a task that nobody asks reports nothing', (t) => {
  const report = new RowsReport(() => t.fail());
  report.begin({ call: null });
  report.advance(100);
  t.is(report.done, 100);
});

/** Tasks of this thread share its memory and its report: they come one after the other. */
test('every task counts each of its rows once, however many passes it makes', async (t) => {
  const directory = scratchDirectory(t);
  const { directory: model } = shardedModel(t, 1300, 24);
  for (const [format, tables] of [
    ['parquet', 'all'],
    ['arrow', 'none'],
    ['both', 'all'],
  ] as const) {
    const out = path.join(directory, format);
    const inputs = await inputsOfRun(t, { model, out, partitionRows: 700, format, tables });
    const counted: Partial<Record<TaskName, number>> = {};
    for (const { name, input } of inputs) {
      if (!('rows' in input)) continue;
      rowsReport.begin({ call: null });
      await again(name, input);
      t.true(Math.abs(rowsReport.done - input.rows.count) < 1e-6, `${name}: ${rowsReport.done}`);
      counted[name] = (counted[name] ?? 0) + input.rows.count;
    }
    t.deepEqual(counted, { scan: 1300, covariance: 1300, project: 1300, verify: 1300 });
  }

  rowsReport.begin({ call: null });
  const file = scratchFile(t, 'made', Buffer.alloc(1300 * 24 * 2));
  const recipe = { rows: 1300, hidden: 24, seed: 1 };
  generate({ file, byteOffset: 0, rows: { first: 0, count: 1300 }, recipe });
  t.is(rowsReport.done, 1300);
});

/** Computes a run, and gives the inputs of all its tasks. */
async function inputsOfRun(t: ExecutionContext, overrides: Overrides) {
  const inputs: { name: TaskName; input: Tasks[TaskName]['input'] }[] = [];
  const pool = new ThreadExecutor({ workers: 1 });
  const executor: Executor = {
    concurrency: 1,
    run: (name, input) => {
      inputs.push({ name, input });
      return pool.run(name, input);
    },
    close: () => pool.close(),
  };
  t.teardown(() => pool.close());
  const config = await loadConfig(null, { workers: 1, backend: 'portable', ...overrides });
  const context = { executor, stopwatch: new Stopwatch(silentProgress), note: () => {}, hub: offlineHub };
  await coordinateRun(config, { resume: false, overwrite: false }, context);
  return inputs;
}

/** Does a task of a finished run once more, in this thread. */
async function again(name: TaskName, input: unknown): Promise<unknown> {
  switch (name) {
    case 'scan':
      return scan(input as Tasks['scan']['input']);
    case 'covariance':
      return covariance(input as Tasks['covariance']['input']);
    case 'project':
      return project({ ...(input as Tasks['project']['input']), lock: null });
    case 'verify':
      return verify(input as Tasks['verify']['input']);
    default:
      return undefined;
  }
}
