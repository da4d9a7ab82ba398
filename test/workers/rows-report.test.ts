import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Executor } from '../../src/executor/executor.js';
import type { RowsDone, TaskName, Tasks } from '../../src/executor/tasks.js';
import { loadConfig, type Overrides } from '../../src/run/config.js';
import { coordinateRun } from '../../src/run/coordinator.js';
import { silentProgress } from '../../src/run/progress.js';
import { Stopwatch } from '../../src/run/stopwatch.js';
import { generate } from '../../workers/generate.js';
import { RowsReport, rowsReport } from '../../workers/rows-report.js';
import { scan } from '../../workers/scan.js';
import { unit } from '../../workers/unit.js';
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
    const counted = await rowsCountedInRun(t, { model, out, partitionRows: 700, format, tables });
    t.deepEqual(counted, { scan: 1300, covariance: 1300, project: 1300, verify: 1300 });
  }

  rowsReport.begin({ call: null });
  const file = scratchFile(t, 'made', Buffer.alloc(1300 * 24 * 2));
  const recipe = { rows: 1300, hidden: 24, seed: 1 };
  generate({ file, byteOffset: 0, rows: { first: 0, count: 1300 }, recipe });
  t.is(rowsReport.done, 1300);
});

/** Computes a run in this thread, task by task, and checks what each counts. @returns rows by task, or stage of a unit */
async function rowsCountedInRun(t: ExecutionContext, overrides: Overrides): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  const work = async (name: TaskName, input: unknown): Promise<unknown> => {
    rowsReport.begin({ call: null });
    if (name !== 'scan' && name !== 'unit') throw new RangeError(`${name} is no task of this run`);
    const result = await (name === 'scan'
      ? scan(input as Tasks['scan']['input'])
      : unit(input as Tasks['unit']['input']));
    const { rows, stage = name } = input as { rows: { count: number }; stage?: string };
    t.true(Math.abs(rowsReport.done - rows.count) < 1e-6, `${stage}: ${rowsReport.done}`);
    counted[stage] = (counted[stage] ?? 0) + rows.count;
    return result;
  };
  const executor: Executor = {
    concurrency: 1,
    start: () => {},
    rest: () => {},
    run: work as Executor['run'],
    close: async () => {},
  };
  const config = await loadConfig(null, { workers: 1, backend: 'portable', ...overrides });
  const context = { executor, stopwatch: new Stopwatch(silentProgress), note: () => {}, hub: offlineHub };
  await coordinateRun(config, { resume: false, overwrite: false }, context);
  return counted;
}
