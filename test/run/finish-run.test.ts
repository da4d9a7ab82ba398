import path from 'node:path';
import test from 'ava';
import { createProgress } from '../../src/commands/progress.js';
import type { Executor } from '../../src/executor/executor.js';
import { ThreadExecutor } from '../../src/executor/threads.js';
import { loadConfig } from '../../src/run/config.js';
import { coordinateRun } from '../../src/run/coordinator.js';
import { Stopwatch } from '../../src/run/stopwatch.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { offlineHub, shardedModel } from '../helpers/runs.js';

test('threads are let go before the judgement and the tables of large partitions, not of small ones, nor without tables or before exports', async (t) => {
  const threads = new ThreadExecutor({ workers: 2 });
  t.teardown(() => threads.close());
  const model = shardedModel(t, 66_000, 64).directory;
  for (const { tables, partitionRows, exports = [], rests } of [
    { tables: 'all', partitionRows: 65_536, rests: ['judgement'] },
    { tables: 'all', partitionRows: 65_536, exports: ['npy'], rests: [] },
    { tables: 'all', partitionRows: 65_535, rests: [] },
    { tables: 'none', partitionRows: 65_536, rests: [] },
  ] as const) {
    const found: (string | undefined)[] = [];
    const progress = createProgress(process.stderr, true);
    const stopwatch = new Stopwatch({
      ...progress,
      stage: (name) => {
        if (found.length > 0 && found.at(-1) === undefined) found[found.length - 1] = name;
        return progress.stage(name);
      },
    });
    const executor: Executor = {
      concurrency: threads.concurrency,
      start: () => threads.start(),
      rest: () => {
        found.push(undefined);
        threads.rest();
      },
      run: (name, input, onRows) => threads.run(name, input, onRows),
      close: async () => {},
    };
    const out = path.join(scratchDirectory(t), 'run');
    const overrides = {
      model,
      out,
      tables,
      partitionRows,
      workers: 2,
      backend: 'portable',
      report: false,
      export: [...exports],
    } as const;
    const context = { executor, stopwatch, note: () => {}, hub: offlineHub };
    await coordinateRun(await loadConfig(null, overrides), { resume: false, overwrite: false }, context);
    t.deepEqual(found, rests, `${tables}, ${partitionRows}`);
  }
});
