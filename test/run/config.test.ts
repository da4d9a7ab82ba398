import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { exportKinds } from '../../src/output/export-kinds.js';
import { configDefaults, loadConfig, type Overrides } from '../../src/run/config.js';
import { scratchDirectory, scratchFile } from '../helpers/fixtures.js';

/** Compiled, this file is dist/test/run/config.test.js. */
const packaged = (name: string) => join(import.meta.dirname, '../../../config', name);

const model = { model: 'models/a' };
const synthetic = { rows: 100, hidden: 8, directory: 'data/s' };

const load = (t: ExecutionContext, content: unknown, overrides: Overrides = {}) =>
  loadConfig(scratchFile(t, 'run.json', JSON.stringify(content)), overrides);

/** The lines of the error that `content` gives, without the file's name, which each must begin with. */
async function complaints(t: ExecutionContext, content: unknown): Promise<string[]> {
  const file = scratchFile(t, 'run.json', JSON.stringify(content));
  const error = await t.throwsAsync(loadConfig(file, {}), { instanceOf: InputError });
  return error.message.split('\n').map((line) => {
    t.true(line.startsWith(`${file}: `), line);
    return line.slice(file.length + 2);
  });
}

test('the packaged configurations are valid', async (t) => {
  const standard = await loadConfig(packaged('default.json'), {});
  t.like(standard.synthetic, { rows: 151_936, hidden: 2560, seed: 42 });
  t.deepEqual(standard.exports, {});
  const qwen = await loadConfig(packaged('qwen3-4b.json'), {});
  t.is(qwen.model, 'Qwen/Qwen3-4B-Instruct-2507');
  t.deepEqual(Object.keys(qwen.exports), ['pt']);
  for (const config of [standard, qwen]) {
    t.is(config.format, 'parquet');
    t.is(config.partitionRows, configDefaults.partitionRows);
  }
});

test('what nobody sets has its default', async (t) => {
  t.deepEqual(await load(t, model), { ...configDefaults, ...model });
  t.deepEqual(await loadConfig(null, model), { ...configDefaults, ...model });
  t.is((await load(t, { synthetic })).synthetic!.seed, 42);
});

test('the configuration of a batch is told from that of a run', async (t) => {
  const [line] = await complaints(t, { defaults: {}, runs: [model] });
  t.regex(line!, /^is the configuration of a batch \("runs"\); compute it with `batch \S+run\.json`$/);
});

test('an unknown key is named with those that are allowed, on every level', async (t) => {
  const [line] = await complaints(t, { ...model, modle: 'b' });
  t.regex(
    line!,
    /^unknown key "modle" \(did you mean "model"\?\); allowed are name, model, synthetic, .*tables, top, exports$/,
  );
  t.notRegex(line!, /\$schema/);
  t.deepEqual(await complaints(t, { ...model, exports: { ptt: true } }), [
    'unknown key "exports.ptt" (did you mean "pt"?); allowed are pt, safetensors, npy',
  ]);
  t.deepEqual(await complaints(t, { synthetic: { ...synthetic, row: 3 } }), [
    'unknown key "synthetic.row" (did you mean "rows"?); allowed are rows, hidden, seed, directory',
  ]);
  const paths = { eigenbasis: 'a', projections: 'b' };
  t.deepEqual(await complaints(t, { ...model, exports: { pt: { ...paths, name: 'c' } } }), [
    'unknown key "exports.pt.name"; allowed are eigenbasis, projections',
  ]);
  for (const kind of ['safetensors', 'npy']) {
    t.deepEqual(await complaints(t, { ...model, exports: { [kind]: paths } }), [
      `unknown key "exports.${kind}.eigenbasis"; allowed are projections`,
    ]);
  }
});

test('a wrong type and an impossible value name key, value and what is allowed', async (t) => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ model: 3 }, /^"model" is 3: expected a text$/],
    [{ model: '' }, /^"model" is "": expected a text that is not empty$/],
    [{ workers: 0 }, /^"workers" is 0: expected at least 1$/],
    [{ workers: 2.5 }, /^"workers" is 2.5: expected a whole number$/],
    [{ workers: 2000 }, /^"workers" is 2000: expected at most 1024$/],
    [{ workers: '8' }, /^"workers" is "8": expected a number$/],
    [{ rows: 'some' }, /^"rows" is "some": expected "all" or "tokenizer"$/],
    [{ partitionRows: -4 }, /^"partitionRows" is -4: expected at least 1$/],
    [{ ridge: -1 }, /^"ridge" is -1: expected a number from 0, or relative=X with a number X above 0$/],
    [{ format: 'csv' }, /^"format" is "csv": expected "parquet" or "arrow" or "both"$/],
    [{ synthetic: { ...synthetic, rows: 0 } }, /^"synthetic.rows" is 0: expected at least 1$/],
    [{ synthetic: { rows: 1, hidden: 1 } }, /^"synthetic.directory" is missing: expected a text$/],
    [
      { exports: { npy: { projections: '' } } },
      /^"exports.npy.projections" is "": expected a text that is not empty$/,
    ],
    [{ exports: ['pt'] }, /^"exports" is \["pt"\]: expected an object, \{ ... \}$/],
  ];
  for (const [content, expected] of cases) {
    const lines = await complaints(t, content);
    t.is(lines.length, 1);
    t.regex(lines[0]!, expected);
  }
});

test('an export that is neither true nor its paths is told what it may be', async (t) => {
  const both = 'expected true, or {"eigenbasis": path, "projections": path}';
  const one = 'expected true, or {"projections": path}';
  for (const value of ['a.pt', false, { projections: 'a' }, { eigenbasis: 3, projections: true }]) {
    t.deepEqual(await complaints(t, { ...model, exports: { pt: value } }), [
      `"exports.pt" is ${JSON.stringify(value)}: ${both}`,
    ]);
  }
  for (const kind of ['safetensors', 'npy']) {
    for (const value of ['a', {}]) {
      t.deepEqual(await complaints(t, { ...model, exports: { [kind]: value } }), [
        `"exports.${kind}" is ${JSON.stringify(value)}: ${one}`,
      ]);
    }
  }
});

test('several mistakes are told at once', async (t) => {
  const lines = await complaints(t, { ...model, workers: 0, format: 'csv', a: 1, b: 2 });
  t.is(lines.length, 4);
});

test('a file that is missing, or not JSON, or no object, is named', async (t) => {
  const missing = join(scratchDirectory(t), 'missing.json');
  const error = await t.throwsAsync(loadConfig(missing, model), { instanceOf: InputError });
  t.true(error.message.startsWith(missing));
  const broken = scratchFile(t, 'broken.json', '{"model": ');
  await t.throwsAsync(loadConfig(broken, {}), {
    instanceOf: InputError,
    message: (message) => message.startsWith(`${broken}: not valid JSON: `),
  });
  for (const content of [null, [], 'model'])
    t.regex((await complaints(t, content))[0]!, /expected an object/);
});

test('the command line beats the file, where it speaks', async (t) => {
  const content = { ...model, workers: 3, format: 'arrow', ridge: 0.5, out: 'runs/a', tensor: 't' };
  const overrides = { workers: 2, format: 'both', ridge: 0, out: 'runs/b', partitionRows: 10 } as const;
  t.deepEqual(await load(t, content, overrides), { ...configDefaults, ...content, ...overrides });
  t.deepEqual(
    await load(t, content, { workers: undefined, model: undefined, export: undefined }),
    await load(t, content),
  );
});

test('an impossible value on the command line is not blamed on the file', async (t) => {
  const error = await t.throwsAsync(load(t, model, { workers: 5000 }), { instanceOf: InputError });
  t.regex(error.message, /^command line: --workers is 5000: /);
});

test('exactly one of model and synthetic is wanted', async (t) => {
  const message = /give exactly one of "model" and "synthetic"/;
  await t.throwsAsync(load(t, {}), { instanceOf: InputError, message });
  await t.throwsAsync(load(t, { ...model, synthetic }), { instanceOf: InputError, message });
  await t.throwsAsync(load(t, { ...model, synthetic }, model), { instanceOf: InputError, message });
  await t.throwsAsync(loadConfig(null, {}), { instanceOf: InputError, message: /^command line: give/ });
});

test("another model on the command line takes the place of the file's, and of its name", async (t) => {
  const other = { model: 'models/b' };
  t.like(await load(t, { name: 'a', synthetic }, other), { ...other, synthetic: undefined, name: undefined });
  t.like(await load(t, { name: 'a', ...model }, other), { ...other, name: undefined });
  t.like(await load(t, { name: 'a', ...model }, model), { ...model, name: 'a' });
  t.like(await load(t, { name: 'a', ...model }, { ...other, name: 'b' }), { ...other, name: 'b' });
});

test("--export asks for kinds; those that the file gives paths keep them, the file's others go", async (t) => {
  const npy = { projections: 'x.npy' };
  const content = { ...model, exports: { npy, safetensors: true } };
  t.deepEqual((await load(t, content)).exports, content.exports as never);
  t.deepEqual((await load(t, content, { export: ['npy', 'pt'] })).exports, { npy, pt: true });
  t.deepEqual((await load(t, content, { export: [] })).exports, {});
  t.deepEqual((await load(t, model, { export: exportKinds })).exports, {
    pt: true,
    safetensors: true,
    npy: true,
  });
});

test('an option that does nothing is named as it was given: on the command line, in the file, or some in each', async (t) => {
  const metric = 'M.pt';
  t.deepEqual(await complaints(t, { ...model, metric, weights: 'unique', secondMoment: 'uncentred' }), [
    '"weights" and "secondMoment" say how a metric is computed, and "metric" gives one: leave "metric" away, or the others',
  ]);
  const told = async (content: object, overrides: Overrides) => {
    const file = scratchFile(t, 'run.json', JSON.stringify(content));
    const error = await t.throwsAsync(loadConfig(file, overrides), { instanceOf: InputError });
    return error.message.replaceAll(file, 'run.json');
  };
  t.is(
    await told(model, { metric, secondMoment: 'uncentred', ridge: 'relative=1' }),
    'command line: --second-moment and a relative --ridge say how a metric is computed, and --metric gives one: leave --metric ' +
      'away, or the others',
  );
  t.is(
    await told({ ...model, metric }, { weights: 'unique' }),
    'command line: --weights says how a metric is computed, and "metric" of run.json gives one: leave "metric" of run.json ' +
      'away, or the other',
  );
  // What stands in the file alone is the file's, whatever else was typed.
  t.regex(
    await told({ ...model, normRule: 'layer' }, { name: 'x' }),
    /^run\.json: "normRule" .*"foldNorm" "yes"/,
  );
  t.regex(
    await told(model, { normRule: 'layer' }),
    /^command line: --norm-rule .*ask for --fold-norm yes, or/,
  );
  t.regex(
    await told({ ...model, side: 'input' }, { foldNorm: 'yes' }),
    /leave --fold-norm away, or "side" of run\.json$/,
  );
  t.regex(
    await told({ ...model, side: 'input' }, { headRows: 'normalised' }),
    /^command line: .*leave --head-rows away, or "side" of run\.json/,
  );
  t.regex(
    await told({ synthetic }, { side: 'input' }),
    /^command line: .*leave --side away, or name a checkpoint with --model$/,
  );
  t.regex(
    await told(model, { weights: 'softmax' }),
    /^command line: --weights is "softmax": expected uniform/,
  );
});
