import test from 'ava';
import fc from 'fast-check';
import type { BatchRunOptions } from '../../src/batch/batch-config.js';
import { runFolder } from '../../src/batch/run-folder.js';

const options: BatchRunOptions = {
  ...{ model: 'a/b', rows: 'all', format: 'parquet', partitionRows: 8192, exports: {} },
  ...{ tables: 'all', top: 20, report: true, foldNorm: 'no', side: 'output' },
  ...{ weights: 'uniform', secondMoment: 'centred' },
};

test('a folder says the model, its revision, and a hash of the options', (t) => {
  t.regex(runFolder('Qwen/Qwen3-4B', null, options), /^Qwen--Qwen3-4B-[0-9a-f]{10}$/);
  t.regex(runFolder('gpt2', '0123456789abcdef0123', options), /^gpt2@0123456789ab-[0-9a-f]{10}$/);
});

test('whatever decides what a run writes gives another folder', (t) => {
  const recipe = { rows: 10, hidden: 4, seed: 1, directory: 'd' };
  const variants: BatchRunOptions[] = [
    options,
    { ...options, model: './a/b' },
    { ...options, tensor: 'x' },
    { ...options, rows: 'tokenizer' },
    { ...options, tables: 'none' },
    { ...options, foldNorm: 'yes' },
    { ...options, weights: 'unique' },
    { ...options, weights: 'counts=a.csv' },
    { ...options, secondMoment: 'uncentred' },
    { ...options, ridge: 1e-3 },
    { ...options, ridge: 'relative=1e-3' },
    { ...options, foldNorm: 'yes', normRule: 'rms' },
    { ...options, top: 10 },
    { ...options, report: false },
    { ...options, metric: 'M.pt' },
    { ...options, ridge: 1e-6 },
    { ...options, ridge: 1e-5 },
    { ...options, format: 'both' },
    { ...options, partitionRows: 100 },
    { ...options, exports: { npy: true } },
    { ...options, exports: { npy: { projections: 'p.npy' } } },
    { ...options, exports: { safetensors: true } },
    { ...options, exports: { pt: true } },
    { ...options, exports: { pt: { eigenbasis: 'a', projections: 'b' } } },
    ...[recipe, { ...recipe, rows: 11 }, { ...recipe, seed: 2 }, { ...recipe, directory: 'e' }].map(
      (synthetic) => ({ ...options, model: undefined, synthetic }),
    ),
  ];
  const folders = variants.map((variant) => runFolder('m', null, variant));
  folders.push(
    runFolder('m', 'abc', options),
    runFolder('m', 'abcd', options),
    runFolder('n', null, options),
  );
  t.is(new Set(folders).size, folders.length);
});

test('long revisions that begin alike, and names that are written alike, stay apart', (t) => {
  const revision = 'a'.repeat(12);
  t.not(runFolder('m', `${revision}0`, options), runFolder('m', `${revision}1`, options));
  t.not(runFolder('a/b', null, options), runFolder('a--b', null, options));
});

test('the order of the keys does not matter', (t) => {
  const reversed = Object.fromEntries(Object.entries(options).reverse()) as BatchRunOptions;
  t.is(runFolder('m', null, reversed), runFolder('m', null, options));
  const swapped = { exports: { npy: true, pt: true } as const };
  t.is(
    runFolder('m', null, { ...options, ...swapped }),
    runFolder('m', null, { ...options, exports: { pt: true, npy: true } }),
  );
});

test('no name leads out of the folder, hides, or is too long for a file system', (t) => {
  const names = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.constantFrom('..', '../x', '/etc', '.a', ''),
  );
  fc.assert(
    fc.property(names, fc.option(names), (name, revision) => {
      const folder = runFolder(name, revision, options);
      t.regex(folder, /^[A-Za-z0-9_@-][A-Za-z0-9._@-]*$/);
      return folder.length <= 255;
    }),
    { seed: 42 },
  );
});
