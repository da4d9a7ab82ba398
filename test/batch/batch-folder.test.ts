import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runsOfBatch } from '../../src/batch/batch-folder.js';
import { writeBatchSummary } from '../../src/batch/batch-summary.js';
import { InputError } from '../../src/errors.js';
import { answer } from '../helpers/answers.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { runHere, shardedModel } from '../helpers/runs.js';

/** The folder of a batch: two finished runs, one that was interrupted, and one that never began. */
async function seriesOf(t: ExecutionContext): Promise<string> {
  const model = shardedModel(t, 60, 8).directory;
  const series = scratchDirectory(t);
  const out = (name: string) => path.join(series, name);
  const { manifest } = await runHere({ model, out: out('a'), report: false });
  await runHere({ model, out: out('b'), ridge: 1e-3, report: false });
  await t.throwsAsync(runHere({ model, out: out('c') }, { interruptAt: 'projection' }));
  writeFileSync(path.join(series, 'notes.txt'), '');
  writeBatchSummary(series, [
    {
      status: 'finished',
      run: { index: 0, name: 'sharded', config: { out: out('a') } } as never,
      manifest,
      finishedBefore: false,
    },
    {
      status: 'failed',
      run: { index: 1, name: 'gone', problem: new InputError('no such model') },
      message: 'no such model',
    },
  ]);
  return series;
}

test('inspect shows the runs of a batch with their states and figures', async (t) => {
  const series = await seriesOf(t);
  const text = await answer('inspect', series);
  t.is(text.code, 0, text.stderr);
  t.regex(text.stdout, /: a folder of 4 runs, 2 finished\n/);
  t.regex(text.stdout, /\nsharded +finished +60 +8 .* passed +b\n/);
  t.regex(text.stdout, /\ngone: no such model\n$/);
  const { stdout } = await answer('inspect', series, '--json');
  const runs = JSON.parse(stdout) as Record<string, unknown>[];
  t.deepEqual(
    runs.map(({ name, folder, state, rows, passed }) => [name, folder, state, rows, passed]),
    [
      ['sharded', 'a', 'finished', 60, true],
      ['sharded', 'b', 'finished', 60, true],
      ['c', 'c', 'unfinished', null, null],
      ['gone', null, 'failed', null, null],
    ],
  );
});

test('verify goes over every run of a batch, and ends with the code of the worst', async (t) => {
  const series = await seriesOf(t);
  const unfinished = await answer('verify', series, '--quiet');
  t.is(unfinished.code, 2);
  t.is(unfinished.stdout.match(/^Verification: passed$/gm)?.length, 2);
  t.regex(unfinished.stderr, /1 of 3 runs did not pass:\n.*c: holds no finished run/);
  t.is((await answer('verify', series, '--model', 'm')).code, 2);

  rmSync(path.join(series, 'b/projections'), { recursive: true });
  const damaged = await answer('verify', series, '--quiet', '--json');
  t.is(damaged.code, 3, damaged.stderr);
  t.deepEqual(
    (JSON.parse(damaged.stdout) as { passed: boolean }[]).map(({ passed }) => passed),
    [true, false, false],
  );

  rmSync(path.join(series, 'b'), { recursive: true });
  rmSync(path.join(series, 'c'), { recursive: true });
  t.is((await answer('verify', series, '--quiet')).code, 0);
});

test('sql shows the summary of a batch; a command for one run names those of a batch', async (t) => {
  const series = await seriesOf(t);
  const { stdout } = await answer('sql', series, 'SELECT model, status FROM summary ORDER BY 1', '--json');
  t.deepEqual(JSON.parse(stdout), [
    { model: 'gone', status: 'failed' },
    { model: 'sharded', status: 'finished' },
  ]);
  for (const [command, ...rest] of [['top', '-e', '0'], ['report']] as const) {
    const { code, stderr } = await answer(command, series, ...rest);
    t.is(code, 2);
    t.regex(stderr, /is a folder of runs, .*\n {2}\S+\/a\n {2}\S+\/b\n {2}\S+\/c \(unfinished\)\n$/);
  }
});

test('a run, a checkpoint, a file and an empty folder are no folder of runs', async (t) => {
  const series = await seriesOf(t);
  t.is(runsOfBatch(path.join(series, 'a')), null);
  t.is(runsOfBatch(path.join(series, 'c')), null);
  t.is(runsOfBatch(path.join(series, 'notes.txt')), null);
  t.is(runsOfBatch(path.join(series, 'notes.txt/x')), null);
  t.is(runsOfBatch(scratchDirectory(t)), null);
  t.deepEqual(
    runsOfBatch(series)?.map(({ name, isFinished }) => [name, isFinished]),
    [
      ['a', true],
      ['b', true],
      ['c', false],
    ],
  );
});
