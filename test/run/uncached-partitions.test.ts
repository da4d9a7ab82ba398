import { appendFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Executor } from '../../src/executor/executor.js';
import { ThreadExecutor } from '../../src/executor/threads.js';
import { takesDirect } from '../helpers/direct-files.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { runHere, shardedModel, verifyWith } from '../helpers/runs.js';

const [ROWS, HIDDEN] = [9000, 64];

let pool: ThreadExecutor;
test.before(() => {
  pool = new ThreadExecutor({ workers: 2 });
});
test.after.always(() => pool.close());

/** Verifies as after a projection whose partitions went past the file cache, or through it. */
function reading(isUncached: boolean): Executor {
  return {
    concurrency: pool.concurrency,
    start: () => pool.start(),
    rest: () => pool.rest(),
    run: (name, input, onRows) =>
      pool.run(name, name === 'verify' ? { ...input, isUncached } : input, onRows),
    close: async () => {},
  };
}

/** A run of two partitions of more than a piece that is read at once, and its Parquet files. */
async function sampleRun(t: ExecutionContext, format: 'parquet' | 'both') {
  const directory = path.join(scratchDirectory(t), 'run');
  const model = shardedModel(t, ROWS, HIDDEN).directory;
  await runHere({ model, out: directory, format, partitionRows: 6000, top: 3 });
  const parts = [0, 1].map((k) => path.join(directory, `projections/parquet/part-0000${k}.parquet`));
  return { directory, parts };
}

test('the record of a partition says which way its thread took: the direct one first, then the other', async (t) => {
  const directory = path.join(scratchDirectory(t), 'run');
  const model = shardedModel(t, ROWS, HIDDEN).directory;
  // One worker is a thread of its own, which has written nothing yet.
  await runHere({ model, out: directory, partitionRows: 4500, tables: 'none', workers: 1 });
  const records = readFileSync(path.join(directory, 'records.jsonl'), 'utf8').trim().split('\n');
  const ofProject = records.map((line) => JSON.parse(line)).filter(({ stage }) => stage === 'project');
  t.deepEqual(
    ofProject.map(({ unit, isUncached }) => [unit, isUncached]),
    [
      [0, takesDirect(directory)],
      [1, false],
    ],
  );
});

for (const format of ['parquet', 'both'] as const) {
  test(`partitions (${format}) that are read past the file cache measure as those read through it`, async (t) => {
    const { directory } = await sampleRun(t, format);
    const [cached, uncached] = [
      await verifyWith(reading(false), directory),
      await verifyWith(reading(true), directory),
    ];
    t.is(uncached.problems, '');
    t.deepEqual(uncached, cached);
  });
}

const damages: Readonly<Record<string, (file: string) => void>> = {
  'a bit of the first block flipped': (file) => flip(file, 17),
  'a bit of a projection flipped': (file) => flip(file, 1_300_001),
  'a bit of the last byte flipped': (file) => flip(file, -1),
  'cut within a piece': (file) => truncateSync(file, 700_000),
  'cut to nothing': (file) => truncateSync(file, 0),
  'a byte appended': (file) => appendFileSync(file, 'x'),
  missing: (file) => rmSync(file),
  'a folder in its place': (file) => {
    rmSync(file);
    mkdirSync(file);
  },
};

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at < 0 ? bytes.length + at : at]! ^= 1;
  writeFileSync(file, bytes);
}

test('a damaged partition is found past the file cache as through it, and the other one is measured', async (t) => {
  const { directory, parts } = await sampleRun(t, 'parquet');
  const whole = readFileSync(parts[0]!);
  for (const [damage, inflict] of Object.entries(damages)) {
    inflict(parts[0]!);
    const cached = await verifyWith(reading(false), directory);
    const uncached = await verifyWith(reading(true), directory);
    t.regex(uncached.problems, /^files: .*part-00000\.parquet/, damage);
    t.notRegex(uncached.problems, /part-00001/, damage);
    t.deepEqual(uncached, cached, damage);
    rmSync(parts[0]!, { recursive: true, force: true });
    writeFileSync(parts[0]!, whole);
  }
  t.is((await verifyWith(reading(true), directory)).problems, '');
});
