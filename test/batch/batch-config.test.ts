import { availableParallelism } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { loadBatch } from '../../src/batch/batch-config.js';
import { InputError } from '../../src/errors.js';
import { scratchFile } from '../helpers/fixtures.js';

const example = path.resolve(import.meta.dirname, '../../../config/batch-example.json');

test('a run takes the defaults that it does not set, and objects as a whole', async (t) => {
  const file = scratchFile(
    t,
    'series.json',
    JSON.stringify({
      defaults: { model: 'm', ridge: 1e-3, exports: { pt: true, npy: true }, partitionRows: 100 },
      runs: [{}, { ridge: 0 }, { exports: { npy: true } }, { model: 'other' }],
    }),
  );
  const { runs } = await loadBatch(file);
  const tables = { tables: 'all', top: 20, report: false } as const;
  const common = {
    model: 'm',
    ridge: 1e-3,
    format: 'parquet',
    side: 'output',
    rows: 'all',
    foldNorm: 'no',
    weights: 'uniform',
    secondMoment: 'centred',
    partitionRows: 100,
    ...tables,
  } as const;
  const exports = { pt: true, npy: true } as const;
  t.deepEqual(runs, [
    { ...common, exports },
    { ...common, ridge: 0, exports },
    { ...common, exports: { npy: true } },
    { ...common, model: 'other', exports },
  ]);
});

test('a run with a model of its own leaves that of the defaults', async (t) => {
  const synthetic = { rows: 10, hidden: 4, seed: 1, directory: 'made' };
  const text = JSON.stringify({ defaults: { synthetic }, runs: [{}, { model: 'm' }] });
  const { runs } = await loadBatch(scratchFile(t, 'series.json', text));
  t.deepEqual(
    runs.map(({ model, synthetic: made }) => [model, made]),
    [
      [undefined, synthetic],
      ['m', undefined],
    ],
  );
});

test('defaults that choose a matrix hold for the runs of checkpoints, and not for made-up ones', async (t) => {
  const synthetic = { rows: 10, hidden: 4, seed: 1, directory: 'made' };
  const chosen = { tensor: 'lm_head.weight', headRows: 'stored' };
  const batch = (defaults: object, ...runs: object[]) =>
    loadBatch(scratchFile(t, 'series.json', JSON.stringify({ defaults: { ...chosen, ...defaults }, runs })));
  for (const { runs } of [
    await batch({}, { synthetic }, { model: 'm' }),
    await batch({ synthetic }, {}, { model: 'm' }),
  ])
    t.deepEqual(
      runs.map(({ tensor, headRows }) => [tensor, headRows]),
      [
        [undefined, undefined],
        ['lm_head.weight', 'stored'],
      ],
    );
  await t.throwsAsync(batch({}, { synthetic, tensor: 'lm_head.weight' }), {
    instanceOf: InputError,
    message:
      /runs\[0\]: a made-up checkpoint has one matrix alone, .*: leave "tensor" away, or name a checkpoint with "model"/,
  });
});

test('a batch is named after its file, takes all cores, and yields to the command line', async (t) => {
  const file = scratchFile(t, 'series.json', JSON.stringify({ runs: [{ model: 'm' }] }));
  const { out, workers, backend } = await loadBatch(file);
  t.deepEqual([out, workers, backend], ['runs/series', availableParallelism(), 'auto']);
  const given = await loadBatch(file, { out: 'elsewhere', workers: 3 });
  t.deepEqual([given.out, given.workers], ['elsewhere', 3]);
});

test('every error names the file, the run, the key, the value and what is allowed, of all runs at once', async (t) => {
  const cases: [unknown, ...RegExp[]][] = [
    ['{', /series\.json: not valid JSON/],
    [{ runs: [] }, /series\.json: "runs" is \[\]: expected one run at least/],
    [
      { runs: [{ model: 'm' }], jobs: 1 },
      /series\.json: unknown key "jobs"; allowed are out, workers, .*, defaults, runs/,
    ],
    [{ runs: [{ model: 'm' }], workers: 0 }, /series\.json: "workers" is 0/],
    [{ runs: [{ model: 'm' }], defaults: { ridge: -1 } }, /series\.json, defaults: "ridge" is -1/],
    [
      {
        runs: [{ model: 'm', format: 'csv' }, { model: 'm' }, { model: 'm', exports: { pt: { x: 1 } } }, {}],
      },
      /series\.json, runs\[0\]: "format" is "csv": .*"parquet"/,
      /series\.json, runs\[2\]: "exports\.pt" is \{"x":1\}: expected true, or /,
      /series\.json, runs\[3\]: give exactly one of "model" and "synthetic"/,
    ],
    [
      { runs: [{ model: 'm', workers: 2, out: 'here' }] },
      /series\.json, runs\[0\]: unknown key "workers"; allowed are name, model, /,
      /series\.json, runs\[0\]: unknown key "out"; allowed are name, model, /,
    ],
    [
      { runs: [{ synthetic: { rows: 1, hidden: 1, directory: 'd', size: 2 } }] },
      /series\.json, runs\[0\]: unknown key "synthetic\.size"; allowed are rows, hidden, seed, directory/,
    ],
    [
      { runs: [{ model: 'm', synthetic: { rows: 1, hidden: 1, directory: 'd' } }] },
      /runs\[0\]: give exactly one of/,
    ],
    [
      { runs: [{ modle: 'm' }, { model: 'm' }, { modle: 'n', formt: 1 }] },
      /^\S*series\.json, runs\[0\], runs\[2\]: unknown key "modle" \(did you mean "model"\?\); allowed are .*$/m,
      /^\S*series\.json, runs\[2\]: unknown key "formt" \(did you mean "format"\?\); allowed are .*$/m,
    ],
    [{ model: 'm' }, /series\.json: is the configuration of one run, .* `run --config \S*series\.json`$/],
    [{ runs: ['m'] }, /series\.json: "runs\.0" is "m"/],
  ];
  for (const [value, ...messages] of cases) {
    const file = scratchFile(t, 'series.json', typeof value === 'string' ? value : JSON.stringify(value));
    const error = await t.throwsAsync(loadBatch(file), { instanceOf: InputError });
    for (const message of messages) t.regex(error.message, message);
    const lines = error.message.split('\n');
    t.is(new Set(lines.map((line) => line.replace(/^.*?: /, ''))).size, lines.length, error.message);
  }
  const missing = await t.throwsAsync(loadBatch('no/such.json'), { instanceOf: InputError });
  t.regex(missing.message, /no\/such\.json/);
});

test('the packaged example is a batch', async (t) => {
  const { runs, out } = await loadBatch(example);
  t.is(out, 'runs/batch-example');
  t.true(runs.length > 1);
});
