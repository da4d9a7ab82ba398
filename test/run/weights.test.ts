import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ThreadExecutor } from '../../src/executor/threads.js';
import { type Manifest, writeManifest } from '../../src/output/manifest.js';
import { loadConfig, type Overrides } from '../../src/run/config.js';
import { exportRun } from '../../src/run/export-run.js';
import { silentProgress } from '../../src/run/progress.js';
import { projectVectors } from '../../src/run/project-vectors.js';
import { statusOf } from '../../src/run/status.js';
import { step } from '../../src/run/step.js';
import { Stopwatch } from '../../src/run/stopwatch.js';
import { writeRunPlan } from '../../src/run/write-plan.js';
import { npy, scratchDirectory, scratchFile } from '../helpers/fixtures.js';
import { foldedByDefinition } from '../helpers/normed-model.js';
import { readParquet } from '../helpers/projected-vectors.js';
import { randomFloat64 } from '../helpers/random.js';
import { dataFiles, offlineHub, readProjections, runHere, verifyHere } from '../helpers/runs.js';
import { sameFiles } from '../helpers/same-files.js';
import { readTables } from '../helpers/tables.js';
import {
  EQUAL_TO_5,
  ORPHANS,
  readMetricFile,
  relativeDifference,
  shares,
  stateFile,
  type WeighedModel,
  weighedModel,
  weightedByDefinition,
} from '../helpers/weighed-model.js';

/** Runs in partitions of unequal size, of which tables and no report are wanted. */
async function weighedRun(t: ExecutionContext, model: WeighedModel, options: Overrides = {}) {
  const out = path.join(scratchDirectory(t), 'run');
  const found = await runHere({
    ...{ model: model.directory, out, partitionRows: 100, top: 5, report: false, ridge: 1e-6 },
    ...options,
  });
  return { ...found, metric: await readMetricFile(out, model) };
}

/** Counts of tokens as a file, by their ids. */
function countsFile(t: ExecutionContext, counts: readonly number[]): string {
  const lines = counts.flatMap((count, id) => (count === 0 ? [] : [`${id},${count}`]));
  return scratchFile(t, 'counts.csv', `token_id,count\n${lines.join('\n')}\n`);
}

/** Counts as words have them: a few large ones, a tail, and some that do not occur. */
const zipf = (rows: number) =>
  Array.from({ length: rows }, (_, id) => (id % 7 === 6 ? 0 : Math.floor(1000 / (1 + ((id * 37) % rows)))));

const exponentials = (logits: ArrayLike<number>) => shares(Array.from(logits, (logit) => Math.exp(logit)));

/** gamma_i . h of every row. */
const logitsOf = (rows: Float32Array | Float64Array, h: Float64Array) =>
  Array.from({ length: rows.length / h.length }, (_, i) =>
    h.reduce((sum, value, j) => sum + value * rows[i * h.length + j]!, 0),
  );

const STATE = randomFloat64(10, 8).map((value) => 0.8 * value);

for (const secondMoment of ['centred', 'uncentred'] as const) {
  test(`mean row and ${secondMoment} moment are those of the weights of every kind, and every identity holds with them`, async (t) => {
    const model = weighedModel(t, {}, { bias: true });
    const { rows, hidden: d, gamma, bias } = model;
    const state = stateFile(t, STATE);
    const counts = zipf(rows);
    const ofGroup = 1 / (EQUAL_TO_5.length + 1);
    const expected: Record<string, Float64Array> = {
      unique: shares(counts.map((_, id) => (id === 5 || EQUAL_TO_5.includes(id) ? ofGroup : 1))),
      tokenizer: shares(counts.map((_, id) => (id < rows - ORPHANS ? 1 : 0))),
      [`counts=${countsFile(t, counts)}`]: shares(counts),
      bias: exponentials(bias!),
      [`softmax=${state}`]: exponentials(logitsOf(gamma, STATE).map((logit, i) => logit + bias![i]!)),
    };
    const found = await Promise.all(
      Object.keys(expected).map((weights) => weighedRun(t, model, { weights, secondMoment })),
    );
    for (const [k, [kind, weights]] of Object.entries(expected).entries()) {
      const { manifest, metric, directory } = found[k]!;
      const { mean, covariance } = weightedByDefinition(gamma, weights, d);
      if (secondMoment === 'uncentred')
        for (let a = 0; a < d * d; a++) covariance[a]! += mean[Math.floor(a / d)]! * mean[a % d]!;
      t.true(relativeDifference(metric.weights!, weights) <= 1e-12, kind);
      t.true(relativeDifference(metric.mean, mean) <= 1e-12, kind);
      t.true(relativeDifference(metric.moment, covariance) <= 1e-12, kind);
      const { verification } = manifest;
      t.deepEqual(new Set(verification.checks.map(({ verdict }) => verdict)), new Set(['passed']), kind);
      t.true(manifest.metric.matches, kind);
      const margins = verification.checks.map(({ measured, tolerance }) => measured! / (tolerance || 1));
      t.log(`${kind.replace(/=.*/, '')}: at most ${Math.max(...margins).toFixed(2)} of a tolerance`);
      t.is(manifest.weights!.kind, kind.replace(/=.*/, '') as never);
      const squares = weights.reduce((sum, weight) => sum + weight * weight, 0);
      t.true(Math.abs(manifest.weights!.effectiveRows * squares - 1) <= 1e-12);
      t.is(manifest.weights!.positiveRows, weights.filter((weight) => weight > 0).length);
      t.true((await verifyHere(directory)).verification.passed, kind);
    }
  });
}

test('tables have the weights, and the moments by them; all else of a table counts every row once', async (t) => {
  const model = weighedModel(t);
  const counts = zipf(model.rows);
  const { directory, metric, manifest } = await weighedRun(t, model, {
    weights: `counts=${countsFile(t, counts)}`,
  });
  const { tokens, eigenvectors, histograms } = await readTables(directory);
  const weights = metric.weights!;
  for (const [i, row] of tokens.entries()) t.is(row.weight, weights[i]);
  const c = eigenvectors.map((row) => row.covariance_eigenvalue as number);
  for (const [j, row] of eigenvectors.entries())
    t.true(Math.abs((row.variance as number) / c[j]! - 1) <= 1e-5);
  t.is(
    histograms.reduce((sum, row) => sum + Number(row.count), 0),
    model.rows * model.hidden,
  );
  t.is(manifest.tables!.summary.counts.rows, model.rows);
  // Skewness and kurtosis too, of the float32 projections.
  const { values: p } = await readProjections(directory);
  const d = model.hidden;
  for (let j = 0; j < d; j++) {
    const moment = (power: number, about: number) =>
      weights.reduce((sum, weight, i) => sum + weight * (p[i * d + j]! - about) ** power, 0);
    const mean = moment(1, 0);
    const variance = moment(2, mean);
    const expected = {
      mean,
      variance,
      skewness: moment(3, mean) / variance ** 1.5,
      kurtosis: moment(4, mean) / variance ** 2,
    };
    for (const [name, value] of Object.entries(expected))
      t.true(
        Math.abs((eigenvectors[j]![name] as number) - value) <= 1e-10 * Math.max(1, Math.abs(value)),
        name,
      );
  }
  const plain = await weighedRun(t, model);
  t.false('weight' in (await readTables(plain.directory)).tokens[0]!);
});

test('uniform weights are those of a run that says nothing of them, to the last bit', async (t) => {
  const model = weighedModel(t);
  const [said, unsaid] = await Promise.all([
    weighedRun(t, model, { weights: 'uniform', secondMoment: 'centred', ridge: 1e-6 }),
    weighedRun(t, model, {}),
  ]);
  t.is(said.manifest.fingerprint, unsaid.manifest.fingerprint);
  sameFiles(t, dataFiles(said.directory), dataFiles(unsaid.directory));
});

test('unique weighs equal rows as a checkpoint does that has each of them once', async (t) => {
  const model = weighedModel(t);
  const { rows, hidden: d, gamma } = model;
  const kept = Array.from({ length: rows }, (_, i) => i).filter((i) => !EQUAL_TO_5.includes(i));
  const once = Float32Array.from(kept.flatMap((i) => [...gamma.subarray(i * d, (i + 1) * d)]));
  const single = weighedModel(t, { rows: kept.length, hidden: d, gamma: once });
  const [unique, uniform] = [
    (await weighedRun(t, model, { weights: 'unique', tables: 'none' })).metric,
    (await weighedRun(t, single, { tables: 'none' })).metric,
  ];
  for (const name of ['M', 'moment', 'mean'] as const)
    t.true(relativeDifference(unique[name], uniform[name]) <= 1e-12, name);
});

test('counts weigh rows as a checkpoint does in which each row stands as often', async (t) => {
  const model = weighedModel(t, { rows: 60 });
  const { hidden: d, gamma } = model;
  const counts = Array.from({ length: 60 }, (_, id) => (id * 5) % 4);
  const repeated = counts.flatMap((count, i) =>
    Array.from({ length: count }, () => [...gamma.subarray(i * d, (i + 1) * d)]).flat(),
  );
  const many = weighedModel(t, { rows: repeated.length / d, hidden: d, gamma: Float32Array.from(repeated) });
  const [counted, uniform] = [
    (await weighedRun(t, model, { weights: `counts=${countsFile(t, counts)}`, tables: 'none' })).metric,
    (await weighedRun(t, many, { tables: 'none' })).metric,
  ];
  for (const name of ['M', 'moment', 'mean'] as const)
    t.true(relativeDifference(counted[name], uniform[name]) <= 1e-12, name);
});

test('verify measures what weights are worth, and computes those of the checkpoint alone again', async (t) => {
  const model = weighedModel(t, {}, { bias: true });
  const said = async (weights: string, change: (found: NonNullable<Manifest['weights']>) => object) => {
    const { directory, manifest } = await weighedRun(t, model, { weights, tables: 'none' });
    writeManifest(directory, {
      ...manifest,
      weights: { ...manifest.weights!, ...change(manifest.weights!) },
    });
    const { verification, unchecked } = await verifyHere(directory);
    const { detail } = verification.checks.find(({ name }) => name === 'manifest')!;
    return [...(detail?.split('\n') ?? []), ...unchecked];
  };
  const counts = `counts=${countsFile(t, zipf(model.rows))}`;
  t.deepEqual(await said(counts, () => ({})), []);
  const [worth, positive] = await said(counts, ({ effectiveRows: rows, positiveRows }) => ({
    ...{ effectiveRows: 2 * rows, positiveRows: positiveRows - 1 },
  }));
  t.regex(worth!, /^weights\.effectiveRows is [\d.]+, measured [\d.]+$/);
  t.regex(positive!, /^weights\.positiveRows is 205, measured 206$/);
  // The stored weights are those of another kind.
  const asUnique = () => ({ kind: 'unique', path: null, sha256: null });
  t.regex(
    (await said(counts, asUnique))[0]!,
    /^weights\.kind is unique, by which row 0 weighs 0\.00\d+, not 0\.\d+$/,
  );
  const sha256 = createHash('sha256')
    .update(
      new Uint8Array(
        Float64Array.from({ length: model.rows }, (_, id) => (id < model.rows - ORPHANS ? 1 : 0)).buffer,
      ),
    )
    .digest('hex');
  t.regex(
    (await said('unique', () => ({ kind: 'tokenizer', sha256 })))[0]!,
    /^weights\.kind is tokenizer, by which row/,
  );
  t.regex(
    (await said('unique', () => ({ kind: 'tokenizer', sha256: '00' })))[0]!,
    /^the weights by tokenizer were not computed again: .*SHA-256 differs/,
  );
  t.deepEqual(await said('bias', () => ({})), []);
  t.regex((await said('bias', asUnique))[0]!, /^weights\.kind is unique, by which row/);
});

test('the softmax at a hidden state of zeros without a bias weighs all rows alike', async (t) => {
  const model = weighedModel(t);
  const zeros = stateFile(t, new Float64Array(model.hidden));
  const [softmax, uniform] = [
    (await weighedRun(t, model, { weights: `softmax=${zeros}`, tables: 'none' })).metric,
    (await weighedRun(t, model, { tables: 'none' })).metric,
  ];
  for (const name of ['M', 'moment', 'mean'] as const)
    t.true(relativeDifference(softmax[name], uniform[name]) <= 1e-12, name);
});

test('the metric of the second moment is a rank-one update of that of the covariance', async (t) => {
  const model = weighedModel(t);
  const d = model.hidden;
  const weights = `counts=${countsFile(t, zipf(model.rows))}`;
  for (const options of [{}, { weights }]) {
    const [{ M, mean }, uncentred] = [
      (await weighedRun(t, model, { ...options, tables: 'none' })).metric,
      (await weighedRun(t, model, { ...options, secondMoment: 'uncentred', tables: 'none' })).metric,
    ];
    const image = mean.map((_, a) => mean.reduce((sum, value, b) => sum + M[a * d + b]! * value, 0));
    const square = mean.reduce((sum, value, a) => sum + value * image[a]!, 0);
    const expected = M.map((value, k) => value - (image[Math.floor(k / d)]! * image[k % d]!) / (1 + square));
    t.true(relativeDifference(uncentred.M, expected) <= 1e-11);
  }
});

test('with weights too, a folded norm leaves causal norms as they are, and the logits of the softmax meet it', async (t) => {
  const model = weighedModel(t, {}, { bias: true, modelType: 'gpt2' });
  const { rows, hidden: d, gamma, norm, normBias, bias } = model;
  const folded = foldedByDefinition(gamma, norm, true);
  const ofNorm = logitsOf(gamma, Float64Array.from(normBias!));
  const state = stateFile(t, STATE);
  const logits = logitsOf(folded, STATE).map((logit, i) => logit + ofNorm[i]! + bias![i]!);
  const foldNorm = 'yes';
  const softmax = await weighedRun(t, model, { weights: `softmax=${state}`, foldNorm });
  const near = (a: Float64Array, b: Float64Array) => {
    const difference = relativeDifference(a, b);
    t.true(difference <= 1e-12, `${difference}`);
  };
  near(softmax.metric.weights!, exponentials(logits));
  const { mean, covariance } = weightedByDefinition(folded, exponentials(logits), d);
  near(softmax.metric.mean, mean);
  near(softmax.metric.moment, covariance);
  const ofBias = await weighedRun(t, model, { weights: 'bias', foldNorm, tables: 'none' });
  // A LayerNorm leaves nothing in the direction of ones, of which the ridge cannot be a share.
  for (const { eigenvalues } of [softmax.manifest, ofBias.manifest])
    t.like(eigenvalues, { rank: d - 1, ridgeShare: null });
  near(ofBias.metric.weights!, exponentials(ofNorm.map((offset, i) => offset + bias![i]!)));

  const plain = weighedModel(t);
  const weights = `counts=${countsFile(t, zipf(rows))}`;
  const [stored, scaled] = [
    await weighedRun(t, plain, { weights, ridge: 0, tables: 'none' }),
    await weighedRun(t, plain, { weights, ridge: 0, foldNorm, tables: 'none' }),
  ];
  const ofRows = (matrix: Float64Array, of: Float32Array | Float64Array, i: number) => {
    let sum = 0;
    for (let a = 0; a < d; a++)
      for (let b = 0; b < d; b++) sum += matrix[a * d + b]! * of[i * d + a]! * of[i * d + b]!;
    return Math.sqrt(sum);
  };
  const rowsOfNorm = foldedByDefinition(plain.gamma, plain.norm, false);
  for (let i = 0; i < rows; i += 17) {
    const ratio = ofRows(scaled.metric.M, rowsOfNorm, i) / ofRows(stored.metric.M, plain.gamma, i);
    t.true(Math.abs(ratio - 1) <= 1e-12, `token ${i}: ${ratio}`);
  }
});

test('a relative ridge is a share of the mean variance, and is told beside the smallest of them', async (t) => {
  const model = weighedModel(t);
  const d = model.hidden;
  const { manifest, metric } = await weighedRun(t, model, { weights: 'unique', ridge: 'relative=1e-3' });
  const trace = metric.moment.reduce((sum, value, k) => sum + (k % (d + 1) === 0 ? value : 0), 0);
  t.true(Math.abs(manifest.metric.ridge! / ((1e-3 * trace) / d) - 1) <= 1e-14);
  t.like(manifest.metric, { relativeRidge: 1e-3, secondMoment: 'centred' });
  const smallest = 1 / manifest.eigenvalues.maximum - manifest.metric.ridge!;
  t.true(Math.abs(manifest.eigenvalues.ridgeShare! / (manifest.metric.ridge! / smallest) - 1) <= 1e-9);
});

test('few effective rows are warned of, and of uniform weights nothing is said', async (t) => {
  const model = weighedModel(t);
  const notes: string[] = [];
  const out = path.join(scratchDirectory(t), 'run');
  const counts = countsFile(t, [1000, 1000, 1000, ...new Array(60).fill(1)]);
  const options = { model: model.directory, tables: 'none' } as const;
  const { manifest } = await runHere({ ...options, out, weights: `counts=${counts}` }, { notes });
  t.true(manifest.weights!.effectiveRows < 10);
  t.regex(
    notes.join('\n'),
    /^warning: by their weights the 240 rows are worth 3 of equal weight .* fewer than 10 d = 100/m,
  );
  notes.length = 0;
  await runHere({ ...options, out: path.join(scratchDirectory(t), 'run') }, { notes });
  t.notRegex(notes.join('\n'), /weight/);
});

test('counts that are left out are warned of above 1 %, in the report and in the manifest too', async (t) => {
  const model = weighedModel(t);
  const notes: string[] = [];
  const file = scratchFile(t, 'texts.csv', 'text,count\nw5,400\nw6,500\nnone,100\n');
  const out = path.join(scratchDirectory(t), 'run');
  const { manifest } = await runHere({ model: model.directory, out, weights: `counts=${file}` }, { notes });
  t.is(manifest.weights!.leftOut, 0.1);
  t.regex(notes.join('\n'), /^warning: 10 % of the counts are left out, whose texts stand for no token/m);
  t.regex(readFileSync(path.join(out, 'report.html'), 'utf8'), /10 % of the counts are left out/);
});

test('other contents of a file are another run: resume refuses it, and takes the same contents from elsewhere', async (t) => {
  const model = weighedModel(t);
  const counts = zipf(model.rows);
  const file = countsFile(t, counts);
  const out = path.join(scratchDirectory(t), 'run');
  const options = { model: model.directory, out, tables: 'none', weights: `counts=${file}` } as const;
  const first = await runHere(options);
  const moved = scratchFile(t, 'moved.csv', readFileSync(file));
  const same = await runHere({ ...options, weights: `counts=${moved}` }, { resume: true });
  t.true(same.finishedBefore);
  t.is(same.manifest.fingerprint, first.manifest.fingerprint);
  writeFileSync(file, readFileSync(file, 'utf8').replace('\n0,1000\n', '\n0,1001\n'));
  await t.throwsAsync(runHere(options, { resume: true }), {
    message: /--weights counts \(SHA-256 [0-9a-f]{12}\) -> counts \(SHA-256 [0-9a-f]{12}\)/,
  });
  await t.throwsAsync(runHere({ ...options, weights: 'uniform' }, { resume: true }), {
    message: /--weights counts \(SHA-256 [0-9a-f]{12}\) -> uniform/,
  });
  await t.throwsAsync(
    runHere({ ...options, weights: `counts=${moved}`, secondMoment: 'uncentred' }, { resume: true }),
    { message: /--second-moment centred -> uncentred/ },
  );
});

test('what weights or a moment cannot be made of is refused before anything is computed', async (t) => {
  const model = weighedModel(t);
  const out = path.join(scratchDirectory(t), 'run');
  const refused = (options: Overrides, message: RegExp) =>
    t.throwsAsync(runHere({ model: model.directory, out, ...options }), { message });
  const metric = scratchFile(t, 'M.npy', npy('<f8', [10, 10], new Uint8Array(800)));
  await refused(
    { metric, weights: 'unique' },
    /--weights says how a metric is computed, and --metric gives one/,
  );
  await refused(
    { metric, secondMoment: 'uncentred', ridge: 'relative=1' },
    /--second-moment and a relative --ridge say how a metric is computed/,
  );
  await refused({ weights: 'bias' }, /weighed by the bias of the logits, and the model has none/);
  await refused(
    { weights: 'softmax' },
    /--weights is "softmax": expected uniform, unique, tokenizer, counts=FILE/,
  );
  await refused(
    { weights: `softmax=${stateFile(t, new Float64Array(9))}` },
    /expected one hidden state, a tensor of 10 or 1 x 10 components; found a bare tensor \(9\)/,
  );
  const two = scratchFile(t, 'two.npy', npy('<f8', [2, 10], new Uint8Array(160)));
  await refused(
    { weights: `softmax=${two}` },
    /expected one hidden state, .*; found a bare tensor \(2 x 10\); save the state alone/,
  );
  const bare = scratchFile(t, 'bare.npy', npy('<f4', [40, 4], new Uint8Array(640)));
  await t.throwsAsync(runHere({ model: bare, out, weights: 'tokenizer' }), {
    message: /there is no tokenizer\.json/,
  });
  // Whose weight is known when the rows have been read.
  await refused({ weights: `counts=${countsFile(t, [0, 0, 7])}` }, /all weight of the rows lies on one row/);
  await refused({ ridge: 'relative=0' }, /expected a number from 0, or relative=X with a number X above 0/);
});

/** Plans a run and computes it stage by stage, each from what lies on the disk. @param before is called before a stage */
async function computedInSteps(
  overrides: Overrides & { out: string },
  before: (stage: string) => void = () => {},
): Promise<void> {
  const executor = new ThreadExecutor({ workers: 2 });
  const context = { executor, stopwatch: new Stopwatch(silentProgress), note: () => {}, hub: offlineHub };
  try {
    const config = await loadConfig(null, { backend: 'portable', ...overrides });
    const { plan } = await writeRunPlan(config, { overwrite: false }, context);
    for (const { name } of plan.stages) {
      before(name);
      await step(overrides.out, name, { share: null, allowMixed: false, environment: {} }, context);
    }
  } finally {
    await executor.close();
  }
}

test('a run in steps has the weights of one in one go, to the last bit, and refuses others than were planned', async (t) => {
  const model = weighedModel(t, {}, { bias: true });
  const counts = countsFile(t, zipf(model.rows));
  const common = {
    model: model.directory,
    partitionRows: 100,
    top: 5,
    report: false,
    ridge: 'relative=1e-4',
  } as const;
  for (const weights of ['unique', `softmax=${stateFile(t, STATE)}`]) {
    const [whole, steps] = [scratchDirectory(t), scratchDirectory(t)].map((folder) =>
      path.join(folder, 'run'),
    );
    await runHere({ ...common, out: whole!, weights });
    let seen = '';
    await computedInSteps({ ...common, out: steps!, weights }, () => {
      seen = statusOf(steps!).weights;
    });
    t.is(seen, weights.replace(/=.*/, ''));
    sameFiles(t, dataFiles(whole!), dataFiles(steps!));
  }
  const out = path.join(scratchDirectory(t), 'run');
  const changed = computedInSteps({ ...common, out, weights: `counts=${counts}` }, (stage) => {
    if (stage === 'identity') writeFileSync(counts, 'token_id,count\n1,2\n2,3\n');
  });
  await t.throwsAsync(changed, {
    message: /planned of other numbers than are there now: their SHA-256 differs/,
  });
});

test('a run that was interrupted goes on with the weights that it had', async (t) => {
  const model = weighedModel(t);
  const [whole, resumed] = [scratchDirectory(t), scratchDirectory(t)].map((folder) =>
    path.join(folder, 'run'),
  );
  const options = { model: model.directory, partitionRows: 100, report: false, weights: 'unique' } as const;
  await runHere({ ...options, out: whole! });
  await t.throwsAsync(runHere({ ...options, out: resumed! }, { interruptAt: 'projection' }));
  await runHere({ ...options, out: resumed! }, { resume: true });
  sameFiles(t, dataFiles(whole!), dataFiles(resumed!));
});

test('tables that are added later are those of a run that had them from the beginning', async (t) => {
  const model = weighedModel(t);
  const weights = `counts=${countsFile(t, zipf(model.rows))}`;
  const options = { model: model.directory, partitionRows: 100, top: 5, weights } as const;
  const [before, later] = [scratchDirectory(t), scratchDirectory(t)].map((folder) =>
    path.join(folder, 'run'),
  );
  const { manifest } = await runHere({ ...options, out: before! });
  await runHere({ ...options, out: later!, tables: 'none' });
  const added = await exportRun(later!, { tables: 'all', top: 5, workers: 2 });
  sameFiles(t, dataFiles(before!), dataFiles(later!));
  t.deepEqual(added.manifest.spectralFigures, manifest.spectralFigures);
});

test('means and variances of the logits of vectors are those under the weights, whatever the moment', async (t) => {
  const model = weighedModel(t);
  const { hidden: d, gamma } = model;
  const counts = zipf(model.rows);
  const weights = shares(counts);
  const vectors = randomFloat64(3 * d, 4);
  const file = scratchFile(t, 'vectors.npy', npy('<f8', [3, d], new Uint8Array(vectors.buffer)));
  for (const secondMoment of ['centred', 'uncentred'] as const) {
    const run = await weighedRun(t, model, { weights: `counts=${countsFile(t, counts)}`, secondMoment });
    const found = await projectVectors(run.directory, file, {
      ...{ kind: 'hidden', space: 'normed', top: 3, workers: 2 },
    });
    t.true(found.manifest.checks.every(({ verdict }) => verdict === 'passed'));
    const rows = await readParquet(path.join(found.directory, 'vectors.parquet'));
    for (const [k, row] of rows.entries()) {
      const logits = logitsOf(gamma, vectors.slice(k * d, (k + 1) * d));
      const mean = logits.reduce((sum, logit, i) => sum + weights[i]! * logit, 0);
      const variance = logits.reduce((sum, logit, i) => sum + weights[i]! * (logit - mean) ** 2, 0);
      t.true(Math.abs((row.logit_mean as number) - mean) <= 1e-5 * Math.sqrt(variance));
      t.true(Math.abs((row.logit_variance as number) / variance - 1) <= 1e-5);
    }
  }
});
