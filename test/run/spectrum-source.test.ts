import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { readMetric } from '../../src/input/metric.js';
import type { Manifest } from '../../src/output/manifest.js';
import { warningsOf } from '../../src/output/warnings.js';
import { eigenshard } from '../helpers/cli.js';
import { npy, scratchDirectory } from '../helpers/fixtures.js';
import { randomFloat32, randomFloat64 } from '../helpers/random.js';
import { readProjections, runHere, shardedModel, verifyHere } from '../helpers/runs.js';
import { realModelTest } from '../helpers/shared-models.js';
import { readTables } from '../helpers/tables.js';

const RIDGE = 1e-6;
const BY_RIDGE = /^warning: (\d+) of (\d+) directions? (is|are) set by the ridge/;

/** Variances of the columns of the projections on disk, in two passes over float64. */
async function measuredVariances(out: string, d: number): Promise<number[]> {
  const { values } = await readProjections(out);
  const rows = values.length / d;
  return Array.from({ length: d }, (_, j) => {
    const column = Array.from({ length: rows }, (_, i) => values[i * d + j]!);
    const mean = column.reduce((sum, value) => sum + value, 0) / rows;
    return column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rows;
  });
}

function participation(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  return sum ** 2 / values.reduce((total, value) => total + value * value, 0);
}

/** Number of values, largest first, that hold a share of their sum. */
function needed(values: readonly number[], share: number): number {
  const falling = values.toSorted((a, b) => b - a);
  const whole = falling.reduce((sum, value) => sum + value, 0);
  let held = 0;
  return (
    falling.findIndex((value) => {
      held += value;
      return held >= share * whole;
    }) + 1
  );
}

function near(t: ExecutionContext, actual: number, expected: number, relative = 1e-9) {
  t.true(Math.abs(actual - expected) <= relative * Math.abs(expected), `${actual}, expected ${expected}`);
}

/** Asserts that every figure of the variance is the one that follows from the projections on disk. */
async function figuresAreTheData(t: ExecutionContext, out: string, manifest: Manifest) {
  const { hidden } = manifest.model;
  const variances = await measuredVariances(out, hidden);
  const { spectrum } = manifest.tables!.summary;
  t.is(manifest.eigenvalues.varianceSource, 'projections');
  for (const { covarianceParticipationRatio } of [manifest.eigenvalues, spectrum]) {
    near(t, covarianceParticipationRatio!, participation(variances));
  }
  for (const share of [50, 80, 90, 95, 99]) {
    t.is(spectrum.directionsOfVariance![share], needed(variances, share / 100), `${share} %`);
  }
  const { eigenvectors } = await readTables(out);
  for (const [j, row] of eigenvectors.entries()) {
    near(t, row.variance as number, variances[j]!);
    t.is(row.rank_by_variance, variances.filter((other) => other > variances[j]!).length + 1);
  }
}

/** A matrix as a .npy file, which is a model of its own. */
function matrixFile(t: ExecutionContext, gamma: Float32Array<ArrayBuffer>, rows: number): string {
  const file = path.join(scratchDirectory(t), 'matrix.npy');
  writeFileSync(file, npy('<f4', [rows, gamma.length / rows], new Uint8Array(gamma.buffer)));
  return file;
}

/** Rows that lie in `rank` dimensions, but for the rounding of float32. */
function rowsOfRank(rows: number, d: number, rank: number, seed: number): Float32Array<ArrayBuffer> {
  const [left, right] = [randomFloat64(rows * rank, seed), randomFloat64(rank * d, seed + 1)];
  // Sums of small whole numbers over powers of two are exact in float32, so the rank is.
  const coarse = (value: number) => Math.round(value * 64) / 64;
  return Float32Array.from({ length: rows * d }, (_, k) => {
    const [i, j] = [Math.floor(k / d), k % d];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += coarse(left[i * rank + r]!) * coarse(right[r * d + j]!);
    return sum;
  });
}

realModelTest("a model's own metric matches, and its covariance tells the variance", async (t, model) => {
  const metric = path.join(model, 'causal_metric_tensor.pt');
  const out = scratchDirectory(t);
  const notes: string[] = [];
  const { manifest } = await runHere({ model, metric, out }, { notes });
  t.is(manifest.metric.matches, true);
  t.like(manifest.eigenvalues, { varianceSource: 'covariance', ridgeBound: 0, rank: 64 });
  t.deepEqual(
    notes.filter((note) => note.startsWith('warning')),
    [],
  );
  // Both agree: what the projections have is what the covariance says, to the rounding of the file.
  near(
    t,
    manifest.eigenvalues.covarianceParticipationRatio!,
    participation(await measuredVariances(out, 64)),
    1e-4,
  );
  const { eigenvectors } = await readTables(out);
  t.true(eigenvectors.every(({ index, rank_by_variance }) => rank_by_variance === (index as number) + 1));
  t.regex(readFileSync(path.join(out, 'report.html'), 'utf8'), /<p class="verdict passed">/);
});

realModelTest(
  'so does one that says no ridge give figures of the data, whose covariance is then unknown',
  async (t, model) => {
    const { file, M } = await metricOf(path.join(model, 'causal_metric_tensor.pt'), t);
    const out = scratchDirectory(t);
    const { manifest } = await runHere({ model, metric: file, out });
    t.is(M.length, 64 * 64);
    t.is(manifest.metric.matches, null);
    t.deepEqual(warningsOf(manifest), [
      'whether the given metric belongs to this checkpoint is not known: the metric file does not say its ridge: ' +
        'give --ridge to have it checked',
    ]);
    t.like(manifest.eigenvalues, { ridgeBound: null, rank: null });
    t.deepEqual(manifest.eigenvalues.clusters, { count: 0, directions: 0 });
    await figuresAreTheData(t, out, manifest);
    t.is((await verifyHere(out)).problems, '');
  },
);

test('a metric of another model of the same size is told, and the variance is of the data', async (t) => {
  const [mine, other] = [shardedModel(t, 400, 24, 1), shardedModel(t, 400, 24, 2)];
  const source = scratchDirectory(t);
  await runHere({ model: other.directory, out: source });
  const metric = path.join(source, 'metric.safetensors');
  const out = scratchDirectory(t);
  const notes: string[] = [];
  const { manifest } = await runHere({ model: mine.directory, metric, out, export: ['pt'] }, { notes });
  t.is(manifest.metric.matches, false);
  t.true(manifest.verification.passed);
  t.regex(notes.at(-1)!, /^warning: the given metric is not the inverse of this checkpoint's covariance/);
  await figuresAreTheData(t, out, manifest);
  // The trace of C does not depend on the basis.
  const own = await runHere({ model: mine.directory, out: scratchDirectory(t) });
  const trace = async (directory: string) =>
    (await measuredVariances(directory, 24)).reduce((sum, value) => sum + value, 0);
  near(t, await trace(out), await trace(own.directory), 1e-6);
  // What the metric says of itself stays: c = 1 / lambda - rho.
  const { eigenvectors } = await readTables(out);
  for (const { eigenvalue, covariance_eigenvalue } of eigenvectors) {
    near(t, covariance_eigenvalue as number, 1 / (eigenvalue as number) - RIDGE, 1e-12);
  }
  const report = readFileSync(path.join(out, 'report.html'), 'utf8');
  t.regex(report, /<p class="verdict differs"><strong>Verification passed/);
  t.notRegex(report, /class="verdict passed"/);
  const exported = readFileSync(path.join(out, 'eigenbasis.pt'), 'latin1');
  t.true(exported.includes('Eigendecomposition of the given metric tensor M'));
  t.false(exported.includes('Cov('));
  t.is((await verifyHere(out)).problems, '');
  const again: string[] = [];
  await runHere({ model: mine.directory, metric, out, export: ['pt'] }, { resume: true, notes: again });
  t.regex(again.at(-1)!, /^warning: the given metric/);
});

test("the inverse of the covariance's diagonal has the right variances, and is told by its correlations", async (t) => {
  const [rows, d] = [500, 12];
  const gamma = randomFloat32(rows * d, 9);
  // Neighbouring columns are correlated.
  for (let i = 0; i < rows; i++)
    for (let k = 1; k < d; k++) gamma[i * d + k]! += 0.2 * k * gamma[i * d + k - 1]!;
  const diagonal = new Float64Array(d * d);
  for (let k = 0; k < d; k++) {
    const column = Array.from({ length: rows }, (_, i) => gamma[i * d + k]!);
    const mean = column.reduce((sum, value) => sum + value, 0) / rows;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rows;
    diagonal[k * d + k] = 1 / (variance + RIDGE);
  }
  const metric = path.join(scratchDirectory(t), 'M.npy');
  writeFileSync(metric, npy('<f8', [d, d], new Uint8Array(diagonal.buffer)));
  const model = matrixFile(t, gamma, rows);
  const { manifest } = await runHere({ model, metric, ridge: RIDGE, out: scratchDirectory(t) });
  t.is(manifest.metric.matches, false);
});

test('a metric that the terminal is told of stands on stderr too', async (t) => {
  const [mine, other] = [shardedModel(t, 200, 8, 1), shardedModel(t, 200, 8, 2)];
  const source = scratchDirectory(t);
  await runHere({ model: other.directory, out: source, tables: 'none' });
  const metric = path.join(source, 'metric.safetensors');
  const out = scratchDirectory(t);
  const { code, stdout, stderr } = await eigenshard(
    ...['--model', mine.directory, '--metric', metric, '--out', out, '--tables', 'none'],
  );
  t.is(code, 0);
  t.regex(stderr, /warning: the given metric is not the inverse of this checkpoint's covariance/);
  t.regex(stdout, /Verification: passed, 2 checks differ/);
  t.regex(stdout, /column variances +differs .* in units of its tolerance: /);
  t.regex(stdout, /mean causal norm +differs .* in units of d: /);
});

test('directions without variance are counted as set by the ridge, and named', async (t) => {
  const [rows, d] = [300, 64];
  const notes: string[] = [];
  const out = scratchDirectory(t);
  const { manifest } = await runHere(
    { model: matrixFile(t, rowsOfRank(rows, d, 8, 3), rows), out },
    { notes },
  );
  t.like(manifest.eigenvalues, { ridgeBound: 56, rank: 8 });
  t.deepEqual(manifest.eigenvalues.clusters, { count: 1, directions: 56 });
  t.deepEqual(manifest.tables!.summary.spectrum.clusters, { count: 1, directions: 56 });
  t.is(
    notes.at(-1),
    "warning: 56 of 64 directions are set by the ridge: their causal weight is rho's choice, not the data's",
  );
  const report = readFileSync(path.join(out, 'report.html'), 'utf8');
  t.regex(report, /56 of 64 directions are set by the ridge/);
  t.regex(report, /<dt>Rank of C<\/dt><dd>8 of 64<\/dd>/);
  t.is((await verifyHere(out)).problems, '');
});

test('so are those of fewer tokens than dimensions', async (t) => {
  const [rows, d] = [40, 64];
  const notes: string[] = [];
  const model = matrixFile(t, randomFloat32(rows * d, 5), rows);
  const { manifest } = await runHere({ model, out: scratchDirectory(t) }, { notes });
  // Forty rows span 39 directions around their mean.
  t.like(manifest.eigenvalues, { ridgeBound: 25, rank: 39 });
  t.deepEqual(BY_RIDGE.exec(notes.at(-1)!)?.slice(1, 3), ['25', '64']);
});

test('and those of many rows of which few differ', async (t) => {
  const [rows, d] = [100, 16];
  const gamma = randomFloat32(rows * d, 6);
  // Five different rows.
  for (let i = 5; i < rows; i++) gamma.copyWithin(i * d, (i % 5) * d, ((i % 5) + 1) * d);
  const notes: string[] = [];
  const { manifest } = await runHere(
    { model: matrixFile(t, gamma, rows), out: scratchDirectory(t) },
    { notes },
  );
  t.like(manifest.eigenvalues, { ridgeBound: 12, rank: 4 });
  t.deepEqual(BY_RIDGE.exec(notes.at(-1)!)?.slice(1, 3), ['12', '16']);
  t.is(manifest.tables!.summary.counts.duplicateRows, 100);
});

test("a rank-deficient run's own metric, given as a file of float32, has the same rank", async (t) => {
  const [rows, d] = [300, 64];
  const model = matrixFile(t, rowsOfRank(rows, d, 8, 3), rows);
  const { metric, M } = await metricOfRun(t, model, d);
  const file = path.join(scratchDirectory(t), 'M.npy');
  writeFileSync(file, npy('<f4', [d, d], new Uint8Array(Float32Array.from(M).buffer)));
  const exact = await runHere({ model, metric, out: scratchDirectory(t) });
  t.like(exact.manifest.eigenvalues, { ridgeBound: 56, rank: 8 });
  const rounded = await runHere({ model, metric: file, ridge: RIDGE, out: scratchDirectory(t) });
  t.like(rounded.manifest.eigenvalues, { ridgeBound: 56, rank: 8 });
});

test('where the rounding of a metric file could be all of the variance, it cannot be told whether it matches', async (t) => {
  const [rows, d] = [300, 64];
  const model = matrixFile(t, rowsOfRank(rows, d, 8, 3), rows);
  const { M } = await metricOfRun(t, matrixFile(t, rowsOfRank(rows, d, 8, 30), rows), d);
  const file = path.join(scratchDirectory(t), 'M.npy');
  writeFileSync(file, npy('<f4', [d, d], new Uint8Array(Float32Array.from(M).buffer)));
  const out = scratchDirectory(t);
  const { manifest } = await runHere({ model, metric: file, ridge: RIDGE, out });
  t.is(manifest.metric.matches, null);
  const variances = manifest.verification.checks.find(({ name }) => name === 'column variances');
  t.is(variances?.verdict, 'not applicable');
  t.regex(variances!.detail!, /rounded too coarsely/);
  t.regex(warningsOf(manifest).join('\n'), /is not known: the metric file is rounded too coarsely/);
  await figuresAreTheData(t, out, manifest);
});

/** The metric that a run computes, as it saved it. */
async function metricOfRun(t: ExecutionContext, model: string, d: number) {
  const out = scratchDirectory(t);
  await runHere({ model, out, tables: 'none' });
  const metric = path.join(out, 'metric.safetensors');
  const M = await withStoredTensors(metric, (tensors) => tensors.float64('M', [d, d]));
  return { metric, M };
}

/** The metric of a .pt file as a bare array, which says no ridge. */
async function metricOf(file: string, t: ExecutionContext) {
  const { matrix: M } = await readMetric(file, { hiddenSize: 64 });
  const bare = path.join(scratchDirectory(t), 'M.npy');
  writeFileSync(bare, npy('<f8', [64, 64], new Uint8Array(M.buffer)));
  return { file: bare, M };
}
