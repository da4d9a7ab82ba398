import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { productRounding } from '../../src/checks/rounding.js';
import { InputError } from '../../src/errors.js';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { configDefaults } from '../../src/run/config.js';
import { outputPath } from '../../src/run/output-path.js';
import { answer } from '../helpers/answers.js';
import { npy, safetensors, scratchDirectory, stateDict } from '../helpers/fixtures.js';
import { withinOneDay } from '../helpers/one-day.js';
import {
  dataFiles,
  readBasis,
  readProjections,
  runHere,
  type SyntheticModel,
  shardedModel,
} from '../helpers/runs.js';

import { sameFiles } from '../helpers/same-files.js';
import { realModelTest } from '../helpers/shared-models.js';

const u = 2 ** -24;

/** Elements of a float64 .npy file whose header NumPy padded to 128 bytes. */
function readFloat64Npy(file: string): Float64Array {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length));
}

function reference(model: string, name: string): Float64Array {
  return readFloat64Npy(path.join(model, `reference_${name}.npy`));
}

/** Logs the largest of deviations over their tolerances, and fails above 1. */
function within(t: ExecutionContext, what: string, deviations: Iterable<number>): void {
  let worst = 0;
  for (const deviation of deviations) worst = Math.max(worst, deviation);
  t.log(`${what}: largest deviation is ${worst.toExponential(2)} of its tolerance`);
  t.true(worst <= 1, what);
}

function rowNorms(values: Float32Array, d: number, weights: Float64Array): Float64Array {
  return Float64Array.from({ length: values.length / d }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += weights[j]! * values[i * d + j]! ** 2;
    return Math.sqrt(sum);
  });
}

realModelTest('a computed metric of a real model gives the reference values', async (t, model) => {
  const out = scratchDirectory(t);
  const { manifest } = await runHere({ model, out, partitionRows: 100 });
  t.true(manifest.verification.passed);
  const d = 64;
  const { eigenvalues } = await readBasis(out, d);
  const { ids, values } = await readProjections(out);
  t.deepEqual(
    ids,
    Array.from({ length: 512 }, (_, i) => i),
  );

  const lambda = reference(model, 'eigenvalues');
  const condition = lambda[d - 1]! / lambda[0]!;
  // C is off by d eps ||C||, and lambda = 1 / c by the condition number more.
  within(
    t,
    'eigenvalues',
    eigenvalues.map(
      (value, j) => Math.abs(value - lambda[j]!) / lambda[j]! / (d * Number.EPSILON * condition),
    ),
  );
  const norms = reference(model, 'norms');
  const rounding = productRounding(d) + u;
  const projections = reference(model, 'abs_projections');
  within(
    t,
    'projections',
    projections.map(
      (value, k) => Math.abs(Math.abs(values[k]!) - value) / (rounding * norms[Math.floor(k / d)]!),
    ),
  );
  within(
    t,
    'norms',
    rowNorms(values, d, new Float64Array(d).fill(1)).map(
      (norm, i) => Math.abs(norm - norms[i]!) / (rounding * norms[i]!),
    ),
  );
  const causal = reference(model, 'causal_norms');
  within(
    t,
    'causal norms',
    rowNorms(values, d, eigenvalues).map(
      // An error of p weighs sqrt(lambda) at most.
      (norm, i) => Math.abs(norm - causal[i]!) / (Math.sqrt(lambda[d - 1]!) * rounding * norms[i]!),
    ),
  );
});

realModelTest('a metric given as .pt gives the same to the accuracy of float32', async (t, model) => {
  const out = scratchDirectory(t);
  const metric = path.join(model, 'causal_metric_tensor.pt');
  const { manifest } = await runHere({ model, metric, out });
  t.true(manifest.verification.passed);
  t.is(manifest.metric.ridge, 1e-6);
  // The covariance that the metric was made from is this checkpoint's: even these two hold.
  for (const name of ['column variances', 'mean causal norm']) {
    t.is(manifest.verification.checks.find((check) => check.name === name)?.verdict, 'passed');
  }
  const d = 64;
  const { eigenvalues } = await readBasis(out, d);
  const { values } = await readProjections(out);
  const lambda = reference(model, 'eigenvalues');
  // Rounding M to float32 moves it by u ||M||_F at most.
  const perturbation = u * Math.sqrt(lambda.reduce((sum, value) => sum + value * value, 0));
  within(
    t,
    'eigenvalues',
    eigenvalues.map((value, j) => Math.abs(value - lambda[j]!) / perturbation),
  );
  const norms = reference(model, 'norms');
  const gap = lambda.map((value, j) =>
    Math.min(
      value - (lambda[j - 1] ?? Number.NEGATIVE_INFINITY),
      (lambda[j + 1] ?? Number.POSITIVE_INFINITY) - value,
    ),
  );
  // Davis and Kahan: an eigenvector turns by 2 perturbation / gap at most.
  within(
    t,
    'projections',
    reference(model, 'abs_projections').map((value, k) => {
      const turned = (2 * perturbation) / gap[k % d]! + productRounding(d) + u;
      return Math.abs(Math.abs(values[k]!) - value) / (turned * norms[Math.floor(k / d)]!);
    }),
  );
});

test('a sharded bfloat16 checkpoint gives the covariance and the projections of plain float64 loops', async (t) => {
  const model = shardedModel(t, 3000, 256);
  const out = scratchDirectory(t);
  const { manifest } = await runHere({ model: model.directory, out, partitionRows: 1024 });
  t.is(manifest.model.tensor, 'lm_head.weight');
  t.is(manifest.partitions.length, 3);
  t.true(manifest.verification.passed);

  const { rows, hidden: d } = model;
  const stored = await withStoredTensors(path.join(out, 'metric.safetensors'), async (tensors) => ({
    C: await tensors.float64('C', [d, d]),
    M: await tensors.float64('M', [d, d]),
  }));
  const C = plainCovariance(model);
  const largest = C.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  // Both sum V products of float64, in another order.
  within(
    t,
    'covariance',
    C.map((value, k) => Math.abs(value - stored.C[k]!) / (rows * Number.EPSILON * largest)),
  );
  const { eigenvectors, eigenvalues } = await readBasis(out, d);
  within(t, 'M (C + rho I) = I', inverseDeviations(stored.M, C, 1e-6, d, eigenvalues));

  const { values } = await readProjections(out);
  const bound = productRounding(d);
  within(t, 'projections', projectionDeviations(model, eigenvectors, values, bound));
});

function plainCovariance({ gamma, rows, hidden: d }: SyntheticModel): Float64Array {
  const mean = new Float64Array(d);
  for (let k = 0; k < gamma.length; k++) mean[k % d]! += gamma[k]! / rows;
  const C = new Float64Array(d * d);
  for (let i = 0; i < rows; i++) {
    for (let a = 0; a < d; a++) {
      const x = gamma[i * d + a]! - mean[a]!;
      for (let b = 0; b < d; b++) C[a * d + b]! += x * (gamma[i * d + b]! - mean[b]!);
    }
  }
  return C.map((value) => value / rows);
}

function inverseDeviations(
  M: Float64Array,
  C: Float64Array,
  ridge: number,
  d: number,
  eigenvalues: Float64Array,
): Float64Array {
  const condition = eigenvalues[d - 1]! / eigenvalues[0]!;
  const out = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let k = 0; k < d; k++) {
      for (let j = 0; j < d; j++) out[i * d + j]! += M[i * d + k]! * (C[k * d + j]! + (k === j ? ridge : 0));
    }
  }
  return out.map((value, k) => {
    const identity = k % (d + 1) === 0 ? 1 : 0;
    return Math.abs(value - identity) / (d * Number.EPSILON * condition);
  });
}

function projectionDeviations(
  { gamma, rows, hidden: d }: SyntheticModel,
  eigenvectors: Float32Array,
  values: Float32Array,
  bound: number,
): Float64Array {
  const out = new Float64Array(rows * d);
  for (let i = 0; i < rows; i++) {
    let square = 0;
    const row = new Float64Array(d);
    for (let k = 0; k < d; k++) {
      const x = gamma[i * d + k]!;
      square += x * x;
      for (let j = 0; j < d; j++) row[j]! += x * eigenvectors[k * d + j]!;
    }
    for (let j = 0; j < d; j++) {
      out[i * d + j] = Math.abs(row[j]! - values[i * d + j]!) / (bound * Math.sqrt(square));
    }
  }
  return out;
}

test('rows have the same bits for any number of workers and any partition size', async (t) => {
  const small = shardedModel(t, 150, 33);
  const large = shardedModel(t, 3000, 64);
  for (const { model, sizes } of [
    { model: small, sizes: [1, 2, 7, 149, 150, 1000] },
    { model: large, sizes: [1000, 1023, 1024, 1025, 2049, 5000] },
  ]) {
    let expected: Buffer | undefined;
    for (const [index, partitionRows] of sizes.entries()) {
      const out = scratchDirectory(t);
      const workers = 1 + (index % 3);
      await runHere({ model: model.directory, out, partitionRows, workers, export: ['npy'] });
      const projections = readFileSync(path.join(out, 'projections.npy'));
      expected ??= projections;
      t.true(projections.equals(expected), `${partitionRows} rows a partition, ${workers} workers`);
    }
  }
});

test('equal rows have equal projections, wherever they lie', async (t) => {
  const hidden = 40;
  const row = Float32Array.from({ length: hidden }, (_, j) => Math.sin(j + 1));
  const gamma = Float32Array.from({ length: 200 * hidden }, (_, k) => Math.cos(k * k));
  const repeated = [0, 1, 5, 31, 32, 99, 198, 199];
  for (const i of repeated) gamma.set(row, i * hidden);
  const model = path.join(scratchDirectory(t), 'rows.npy');
  writeFileSync(model, npy('<f4', [200, hidden], new Uint8Array(gamma.buffer)));
  const out = scratchDirectory(t);
  await runHere({ model, out, partitionRows: 33 });
  const { values } = await readProjections(out);
  const projected = (i: number) => values.slice(i * hidden, (i + 1) * hidden);
  for (const i of repeated) t.deepEqual(projected(i), projected(0), `token ${i}`);
});

test('two runs of the same input give the same files, byte for byte', async (t) => {
  const model = shardedModel(t, 500, 48);
  const filesOf = async (workers: number) => {
    const out = scratchDirectory(t);
    const options = { model: model.directory, out, workers, partitionRows: 64, format: 'both' } as const;
    await runHere({ ...options, export: ['pt', 'safetensors', 'npy'] });
    return dataFiles(out);
  };
  const [first, second] = await withinOneDay(async () => [await filesOf(1), await filesOf(3)] as const);
  t.true(first.has('projections/arrow/part-00007.arrow'));
  sameFiles(t, first, second);
});

test('fewer rows than the hidden size need a ridge, and say so without one', async (t) => {
  const model = shardedModel(t, 20, 32);
  const out = scratchDirectory(t);
  await t.throwsAsync(runHere({ model: model.directory, out, ridge: 0 }), {
    message: /20 rows give a covariance of rank 19 at most.*Give a --ridge above 0/,
  });
  const notes: string[] = [];
  const { manifest } = await runHere({ model: model.directory, out, ridge: 1e-4 }, { notes });
  t.true(manifest.verification.passed);
  t.regex(notes.join('\n'), /warning: 20 rows give a covariance of rank 19/);
});

/** A bare float32 array of these rows. */
function arrayOf(t: ExecutionContext, rows: number[][]): string {
  const directory = scratchDirectory(t);
  const file = path.join(directory, 'rows.npy');
  writeFileSync(
    file,
    npy('<f4', [rows.length, rows[0]!.length], new Uint8Array(Float32Array.from(rows.flat()).buffer)),
  );
  return file;
}

test('what is noticed about the inputs is said, and stands in the manifest', async (t) => {
  const { directory } = shardedModel(t, 40, 8);
  const file = path.join(directory, 'config.json');
  const config = { ...JSON.parse(readFileSync(file, 'utf8')), vocab_size: 41, tie_word_embeddings: true };
  writeFileSync(file, JSON.stringify(config));
  const tokenizer = { model: { vocab: { a: 0, z: 40 } }, decoder: { type: 'CTC' } };
  writeFileSync(path.join(directory, 'tokenizer.json'), JSON.stringify(tokenizer));
  const notes: string[] = [];
  const { manifest } = await runHere(
    { model: directory, out: scratchDirectory(t), rows: 'tokenizer' },
    { notes },
  );
  t.deepEqual(manifest.model.notes, [
    'tensor lm_head.weight has 40 rows, config.json says vocab_size 41',
    'config.json says that the embeddings are tied, but lm_head.weight and model.embed_tokens.weight are 40 x 8 and 3 x 8: ' +
      'lm_head.weight is taken as it is stored',
    'all rows have a token: none is left out',
    'tokenizer.json has the decoder "CTC", which is not known here: the text of its tokens is left out',
    'the tokenizer has 41 tokens, the matrix 40 rows: the last tokens have none',
  ]);
  for (const note of manifest.model.notes) t.true(notes.includes(note), note);
  t.is(manifest.tables?.summary.counts.tokens, 1);
  t.is(manifest.tables?.summary.counts.orphans, 39);
});

test('rows that are all equal have no covariance, which is an error of the input', async (t) => {
  const row = [0.1, -0.2, 0.3];
  const equal = Array.from({ length: 10_000 }, () => row);
  const refused = async (rows: number[][], message: RegExp) => {
    const out = path.join(scratchDirectory(t), 'out');
    await t.throwsAsync(runHere({ model: arrayOf(t, rows), out }), { instanceOf: InputError, message });
    t.false(existsSync(path.join(out, 'plan.json')));
  };
  await refused(equal, /the matrix has 10000 equal rows: the covariance is zero, .*give a --metric/);
  await refused([row], /has one row alone: the covariance is zero/);
  await refused(
    [
      [0, -0],
      [-0, 0],
      [0, 0],
    ],
    /has 3 equal rows, of zeros/,
  );
  // The last of the last range that is scanned.
  const nearly = [...equal.slice(1), [0.1, -0.2, 0.4]];
  await t.notThrowsAsync(runHere({ model: arrayOf(t, nearly), out: scratchDirectory(t) }));
});

test('rows too long or too short for the float32 of their projections are an error of the input', async (t) => {
  const rows = Array.from({ length: 40 }, (_, i) => [Math.sin(i), Math.cos(3 * i), Math.sin(7 * i)]);
  const scaled = (scale: number) => rows.map((row) => row.map((value) => value * scale));
  for (const [scale, message] of [
    [
      3e38,
      /the matrix has the norm 4\.37e\+38 at row 1, and float32, .* holds norms from 3\.5e-38 to 3\.4e\+38; scale/,
    ],
    [1e-39, /the matrix has the norm 1\.00e-39 at row 0, and float32/],
  ] as const) {
    await t.throwsAsync(runHere({ model: arrayOf(t, scaled(scale)), out: scratchDirectory(t) }), {
      instanceOf: InputError,
      message,
    });
  }
  for (const scale of [1e30, 1e-30]) {
    const { manifest } = await runHere({ model: arrayOf(t, scaled(scale)), out: scratchDirectory(t) });
    t.true(manifest.verification.passed);
  }
});

test('a weight that is no number is the fault of the checkpoint, and no advice is to download it again', async (t) => {
  const model = arrayOf(t, [
    [1, 2],
    [3, Number.NaN],
    [4, 5],
  ]);
  const error = await t.throwsAsync(runHere({ model, out: scratchDirectory(t) }), {
    instanceOf: InputError,
    message: /rows.npy: the matrix holds NaN at row 1, column 1; every weight must be finite/,
  });
  t.false(error.message.includes('download'));
});

test("a metric of another checkpoint is used as given, and said not to be this one's", async (t) => {
  const [mine, other] = [shardedModel(t, 400, 24, 1), shardedModel(t, 400, 24, 2)];
  const source = scratchDirectory(t);
  await runHere({ model: other.directory, out: source });
  const metric = path.join(source, 'metric.safetensors');
  const { manifest } = await runHere({ model: mine.directory, metric, out: scratchDirectory(t) });
  t.true(manifest.verification.passed);
  const variances = manifest.verification.checks.find(({ name }) => name === 'column variances');
  t.is(variances?.verdict, 'differs');
});

test("a run's own metric file can be given to another run and passes every check", async (t) => {
  const model = shardedModel(t, 400, 24);
  const [first, second] = [scratchDirectory(t), scratchDirectory(t)];
  await runHere({ model: model.directory, out: first });
  const metric = path.join(first, 'metric.safetensors');
  const { manifest } = await runHere({ model: model.directory, metric, out: second });
  t.deepEqual(
    manifest.verification.checks.filter(({ verdict }) => verdict !== 'passed'),
    [],
  );
});

test("without the rows beyond the tokenizer's tokens a run is another one, and verify selects them again", async (t) => {
  const model = shardedModel(t, 120, 16);
  const tokenizer = path.join(model.directory, 'tokenizer.json');
  const tokensUpTo = (id: number) =>
    writeFileSync(tokenizer, JSON.stringify({ model: { vocab: { a: id } } }));
  tokensUpTo(99);
  const [all, some] = [scratchDirectory(t), scratchDirectory(t)];
  const notes: string[] = [];
  const whole = (await runHere({ model: model.directory, out: all })).manifest;
  const cut = (await runHere({ model: model.directory, out: some, rows: 'tokenizer' }, { notes })).manifest;
  t.true(notes.includes("20 of 120 rows are beyond the tokenizer's 100 tokens and left out"));
  t.is(cut.model.rows, 100);
  t.deepEqual([whole.options.rows, cut.options.rows], ['all', 'tokenizer']);
  t.not(cut.fingerprint, whole.fingerprint);
  t.deepEqual(
    (await readProjections(some)).ids,
    Array.from({ length: 100 }, (_, id) => id),
  );
  t.is((await answer('verify', some, '--quiet')).code, 0);
  tokensUpTo(98);
  const changed = await answer('verify', some, '--quiet');
  t.is(changed.code, 2);
  t.regex(changed.stderr, /is not what this run was made from \(99 x 16, not 100 x 16\)/);
});

test('the same weights in pytorch_model.bin give the same run, file for file', async (t) => {
  const { gamma, rows, hidden } = shardedModel(t, 120, 16);
  const data = new Uint8Array(gamma.buffer);
  const weights = {
    'model.safetensors': safetensors([{ name: 'wte.weight', dtype: 'F32', shape: [rows, hidden], data }]),
    'pytorch_model.bin': stateDict([{ name: 'wte.weight', shape: [rows, hidden], data }]),
  };
  const runs = [];
  for (const [name, bytes] of Object.entries(weights)) {
    const model = path.join(scratchDirectory(t), 'model');
    mkdirSync(model);
    writeFileSync(path.join(model, 'config.json'), JSON.stringify({ n_embd: hidden }));
    writeFileSync(path.join(model, name), bytes);
    const out = scratchDirectory(t);
    runs.push({ out, ...(await runHere({ model, out })) });
  }
  t.is(runs[1]!.manifest.fingerprint, runs[0]!.manifest.fingerprint);
  sameFiles(t, dataFiles(runs[1]!.out), dataFiles(runs[0]!.out));
  t.is((await answer('verify', runs[1]!.out, '--quiet')).code, 0);
});

test('a run goes to a folder named after its model, a path or one of the hub', (t) => {
  const place = (model: string) => outputPath({ ...configDefaults, model });
  t.is(place('/data/tiny.safetensors'), path.join('runs', 'tiny'));
  t.is(place('Qwen/Qwen2.5-0.5B'), path.join('runs', 'Qwen2.5-0.5B'));
  t.is(place('Qwen/Qwen2.5-0.5B@refs/pr/1'), path.join('runs', 'Qwen2.5-0.5B@refs-pr-1'));
});
