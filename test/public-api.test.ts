import { existsSync, truncateSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type {
  Check,
  ExtendedRun,
  FinishedRun,
  FoundVerification,
  Manifest,
  ModelInspection,
  OpenRun,
  Options,
  ProgressEvent,
  StoredEigenbasis,
  Verification,
} from '../src/index.js';
import * as library from '../src/index.js';
import { scratchDirectory } from './helpers/fixtures.js';
import { readProjections, shardedModel } from './helpers/runs.js';

/** Fails to compile where the two types are not the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;

const types: true[] = [
  true satisfies Same<Awaited<ReturnType<typeof library.run>>, FinishedRun>,
  true satisfies Same<Awaited<ReturnType<typeof library.verify>>, FoundVerification>,
  true satisfies Same<Awaited<ReturnType<typeof library.exportRun>>, ExtendedRun>,
  true satisfies FoundVerification extends Verification ? true : never,
  true satisfies Same<Awaited<ReturnType<typeof library.openRun>>, OpenRun>,
  true satisfies Same<FinishedRun['manifest'], Manifest>,
  true satisfies Same<Verification['checks'], Check[]>,
  true satisfies Same<Awaited<ReturnType<OpenRun['basis']>>, StoredEigenbasis>,
  true satisfies Same<Awaited<ReturnType<OpenRun['projections']>>, Float32Array>,
  true satisfies Same<library.EigenshardError['kind'], library.ErrorKind>,
];

test('the library exports these names and no others', (t) => {
  t.deepEqual(Object.keys(library).sort(), [
    'EigenshardError',
    'exportRun',
    'inspectModel',
    'openRun',
    'run',
    'verify',
    'version',
  ]);
  t.is(types.length, 10);
});

test('a program computes a run, is told how far it is, opens it and verifies it, and nothing is printed', async (t) => {
  const { directory: model, rows, hidden } = shardedModel(t, 90, 8);
  const out = path.join(scratchDirectory(t), 'run');
  const events: ProgressEvent[] = [];
  const printed: unknown[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    const { write } = stream;
    stream.write = (chunk: unknown) => printed.push(chunk) > 0;
    t.teardown(() => {
      stream.write = write;
    });
  }
  const options: Options = { model, out, workers: 2, backend: 'portable', partitionRows: 40 };
  const finished = await library.run(options, { onProgress: (event) => events.push(event) });
  t.is(finished.directory, out);
  t.false(finished.finishedBefore);

  const stages = events.flatMap((event) => (event.event === 'finished' ? [event.stage] : []));
  t.like(
    stages.find(({ name }) => name === 'projection'),
    { done: rows, total: rows, unit: 'rows' },
  );
  t.true(stages.every(({ seconds }) => seconds >= 0));

  const run = await library.openRun(out);
  t.deepEqual(run.manifest, finished.manifest);
  const { eigenvalues, eigenvectors } = await run.basis();
  t.deepEqual([eigenvalues.length, eigenvectors.length], [hidden, hidden * hidden]);
  const tokens = await run.table('tokens');
  t.is(tokens.rows, rows);
  t.is((await tokens.numbers('norm')).length, rows);
  await t.throwsAsync(run.table('token' as 'tokens'), {
    instanceOf: RangeError,
    message: /no table "token"/,
  });

  t.true((await library.verify(out, { workers: 1 })).passed);
  t.true((await library.run(options, { resume: true })).finishedBefore);
  const { made, manifest } = await library.exportRun(out, { exports: ['npy'], workers: 1 });
  t.deepEqual([made, manifest.options.exports], [['projections.npy'], ['npy']]);
  const inspected: ModelInspection = await library.inspectModel(model);
  t.deepEqual([inspected.source.rows, inspected.source.columns], [rows, hidden]);
  t.deepEqual(printed, []);
});

for (const format of ['parquet', 'arrow', 'both'] as const) {
  test(`rows of projections are read by their range, across partitions: ${format}`, async (t) => {
    const { directory: model, rows, hidden: d } = shardedModel(t, 61, 7);
    const [wide, out] = [path.join(scratchDirectory(t), 'wide'), path.join(scratchDirectory(t), 'run')];
    const shared = { model, workers: 1, backend: 'portable', tables: 'none' } as const;
    await library.run({ ...shared, out: wide });
    const { values } = await readProjections(wide);
    await library.run({ ...shared, out, format, partitionRows: 20 });
    const run = await library.openRun(out);
    for (const [first, count] of [
      [0, rows],
      [0, 1],
      [19, 2],
      [15, 40],
      [60, 1],
      [7, 0],
    ] as const) {
      const part = await run.projections({ first, count });
      t.deepEqual(part, values.slice(first * d, (first + count) * d), `${count} rows from ${first}`);
    }
    for (const range of [
      { first: -1, count: 1 },
      { first: 60, count: 2 },
      { first: 0.5, count: 1 },
    ])
      await t.throwsAsync(run.projections(range), { instanceOf: RangeError });
  });
}

test('projections of a partition that is not as the run wrote it are refused, whatever lies in its place', async (t) => {
  const { directory: model } = shardedModel(t, 61, 7);
  for (const [format, sizes] of [
    ['arrow', [0, 5, 4000, 3e9]],
    ['parquet', [0, 5, 3e9]],
  ] as const) {
    const out = path.join(scratchDirectory(t), 'run');
    const shared = { model, workers: 1, backend: 'portable', tables: 'none' } as const;
    await library.run({ ...shared, out, format, partitionRows: 20 });
    const run = await library.openRun(out);
    const file = path.join(out, `projections/${format}/part-00001.${format}`);
    for (const size of sizes) {
      truncateSync(file, size);
      const error = await t.throwsAsync(run.projections({ first: 15, count: 10 }), {
        instanceOf: library.EigenshardError,
      });
      t.regex(error.message, /part-00001\.\w+: is not as the run wrote it: it has \d+ bytes, not \d+\./);
    }
    t.is((await run.projections({ first: 0, count: 20 })).length, 140);
  }
});

test('wrong options, an abort and a folder without a run are errors of their kinds', async (t) => {
  const { directory: model } = shardedModel(t, 30, 4);
  const out = path.join(scratchDirectory(t), 'run');
  const kindOf = async (attempt: Promise<unknown>) =>
    (await t.throwsAsync(attempt, { instanceOf: library.EigenshardError })).kind;
  t.is(await kindOf(library.run({ model, out, partitionRows: 0 })), 'input');
  t.is(await kindOf(library.run({ out })), 'input');
  t.is(await kindOf(library.run({ model, out, workers: 1 }, { signal: AbortSignal.abort() })), 'interrupted');
  t.is(await kindOf(library.openRun(out)), 'input');
  t.is(await kindOf(library.verify(out)), 'input');
  t.false(existsSync(path.join(out, 'manifest.json')));
});

test('a run without tables says so when one is opened', async (t) => {
  const { directory: model } = shardedModel(t, 30, 4);
  const out = path.join(scratchDirectory(t), 'run');
  await library.run({ model, out, workers: 1, backend: 'portable', tables: 'none' });
  const run = await library.openRun(out);
  await t.throwsAsync(run.table('tokens'), { message: /has no tables/ });
});
