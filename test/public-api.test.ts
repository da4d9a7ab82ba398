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
  RunWithNeighbours,
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
  true satisfies Same<Awaited<ReturnType<typeof library.findNeighbours>>, RunWithNeighbours>,
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
    'compareRuns',
    'compareSeries',
    'conceptDirections',
    'exportRun',
    'findNeighbours',
    'inspectModel',
    'nearestToVectors',
    'nearestTokens',
    'openRun',
    'projectVectors',
    'run',
    'tokenFacts',
    'undertrainedTokens',
    'verify',
    'version',
  ]);
  t.is(types.length, 11);
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

test('a mistyped name, or a value of another type, is told with what there is', async (t) => {
  const { directory: model } = shardedModel(t, 30, 4);
  const out = path.join(scratchDirectory(t), 'run');
  await library.run({ model, out, workers: 1, backend: 'portable' });
  const run = await library.openRun(out);
  const tokens = await run.table('tokens');
  // As callers without types hand them over.
  const any = (value: unknown) => value as never;
  const refused = async (
    attempts: readonly (readonly [() => Promise<unknown>, RegExp])[],
    kind: library.ErrorKind | typeof RangeError,
  ) => {
    for (const [attempt, message] of attempts) {
      const error = (await t.throwsAsync(attempt()))!;
      t.regex(error.message, message);
      const found: unknown = error instanceof library.EigenshardError ? error.kind : error.constructor;
      t.is(found, kind as unknown);
    }
  };
  const eigenvectors = await run.table('eigenvectors');
  await refused(
    [
      [
        () => tokens.numbers('nrm'),
        /no column "nrm" \(did you mean "norm"\?\); there are token_id, text, .*norm, /,
      ],
      [() => tokens.values('nrm'), /no column "nrm"/],
      [() => tokens.numbers(any(7)), /no column 7; there are token_id/],
      [() => eigenvectors.values('lambda'), /no column "lambda"; there are index, .*eigenvalue, /],
      [() => library.openRun(any(7)), /expected the output directory of a finished run, a path, came 7/],
      [() => library.openRun(''), /a path, came ""/],
      [() => library.verify(any(undefined)), /a path, came undefined/],
      [
        () => library.verify(out, any({ modle: model })),
        /unknown key "modle" \(did you mean "model"\?\); allowed are/,
      ],
      [() => library.verify(out, { workers: -1 }), /"workers" is -1: expected at least 1/],
      [
        () => library.verify(out, any({ signal: 'x' })),
        /"signal" is "x": expected the signal of an AbortController/,
      ],
      [() => library.verify(out, any({ onProgress: 3 })), /"onProgress" is 3: expected a function/],
      [() => library.verify(out, any({ environment: 3 })), /"environment" is 3: expected an object of texts/],
      [() => library.exportRun(any(null), { exports: ['npy'] }), /a path, came null/],
      [() => library.exportRun(out, any({ export: ['npy'] })), /"export" \(did you mean "exports"\?\)/],
      [() => library.run(any(7)), /options: is 7: expected an object/],
      [() => library.run({ model, out }, any({ resum: true })), /"resum" \(did you mean "resume"\?\)/],
      [
        () => library.run({ model, out }, any({ resume: 'yes' })),
        /"resume" is "yes": expected true or false/,
      ],
      [() => library.run({ model, out }, { checksums: true }), /checksums asks for resume/],
      [
        () => library.run({ model, out }, { resume: true, overwrite: true }),
        /resume and overwrite exclude each other/,
      ],
      [() => library.inspectModel(any(7)), /expected a checkpoint, a path, came 7/],
      [
        () => library.inspectModel(model, any({ tensr: 'x' })),
        /no option "tensr" \(did you mean "tensor"\?\)/,
      ],
      [() => library.inspectModel(model, any({ tensor: 7 })), /"tensor" is 7: expected the name/],
      [() => library.inspectModel(model, any(null)), /options: is null/],
    ],
    'input',
  );
  const ranges = [7, undefined, null, [0, 3], '0:3', { from: 0, to: 3 }, { first: '0', count: '2' }];
  const numbers = [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY].map((first) => ({ first, count: 1 }));
  const beyond = [
    { first: 0, count: 31 },
    { first: 30, count: 1 },
    { first: 0, count: Number.NaN },
  ];
  await refused(
    [
      ...[...ranges, ...numbers, ...beyond].map(
        (range) =>
          [
            () => run.projections(any(range)),
            /expected \{ first, count \}, .* at most 30, .*; came /,
          ] as const,
      ),
      [
        () => run.table(any('token')),
        /no table "token" \(did you mean "tokens"\?\); there are tokens, eigenvectors,/,
      ],
      ...[7, 'toString', ['tokens'], undefined].map(
        (name) =>
          [() => run.table(any(name)), /there are tokens, eigenvectors, extremes, histograms$/] as const,
      ),
    ],
    RangeError,
  );
});

test('a run without tables says so when one is opened', async (t) => {
  const { directory: model } = shardedModel(t, 30, 4);
  const out = path.join(scratchDirectory(t), 'run');
  await library.run({ model, out, workers: 1, backend: 'portable', tables: 'none' });
  const run = await library.openRun(out);
  await t.throwsAsync(run.table('tokens'), {
    message: /has no tables .*eigenshard export .* --tables all` adds them/,
  });
});
