import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import test from 'ava';
import { spectralFigures, spectralFiguresOf } from '../../src/tables/spectral-figures.js';
import { answer } from '../helpers/answers.js';
import { start } from '../helpers/cli.js';
import { documentNamed } from '../helpers/documents.js';
import { npy, scratchDirectory, scratchFile } from '../helpers/fixtures.js';
import { eighOf } from '../helpers/jacobi.js';
import { covarianceByDefinition } from '../helpers/normed-model.js';
import { readBasis, runHere, shardedModel, verifyHere } from '../helpers/runs.js';

const ROWS = 300;
const D = 24;

const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
/** exp H of shares of a sum, by its definition. */
const entropy = (values: readonly number[]) =>
  Math.exp(-total(values.map((value) => value / total(values)).map((p) => (p > 0 ? p * Math.log(p) : 0))));

/** Every figure of rows [V, d] by its definition, in float64, from the rows themselves. */
function byDefinition(gamma: Float32Array): Record<string, number> {
  const { covariance } = covarianceByDefinition(gamma, D);
  const gram = new Float64Array(D * D);
  for (let i = 0; i < ROWS; i++)
    for (let a = 0; a < D; a++)
      for (let b = 0; b < D; b++) gram[a * D + b]! += gamma[i * D + a]! * gamma[i * D + b]!;
  const c = [...eighOf(covariance, D)].reverse();
  const squares = [...eighOf(gram, D)].reverse();
  const frobenius = total([...gamma].map((value) => value * value));
  const deviations = Array.from({ length: D }, (_, k) => Math.sqrt(covariance[k * D + k]!)).sort(
    (a, b) => a - b,
  );
  const ranks = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  const [x, y] = [ranks.map(Math.log), ranks.map((rank) => Math.log(c[rank - 1]!))];
  const n = ranks.length;
  const slope =
    (n * total(x.map((value, k) => value * y[k]!)) - total(x) * total(y)) /
    (n * total(x.map((value) => value * value)) - total(x) ** 2);
  const edge = (sign: number) => (1 + sign * Math.sqrt(D / ROWS)) ** 2 * (total(c) / D);
  return {
    iso_score: (total(c) ** 2 / total(c.map((value) => value * value)) - 1) / (D - 1),
    effective_rank_centred: entropy(c.map(Math.sqrt)),
    effective_rank_uncentred: entropy(squares.map(Math.sqrt)),
    variance_entropy_rank: entropy(c),
    stable_rank_centred: total(c) / c[0]!,
    stable_rank_uncentred: frobenius / squares[0]!,
    decay_alpha: -slope,
    marchenko_pastur_lower: edge(-1),
    marchenko_pastur_upper: edge(1),
    directions_above_edge: c.filter((value) => value > edge(1)).length,
    outlier_coordinate_ratio: deviations.at(-1)! / ((deviations[D / 2 - 1]! + deviations[D / 2]!) / 2),
    outlier_coordinates: deviations.filter(
      (deviation) => deviation > (3 * (deviations[D / 2 - 1]! + deviations[D / 2]!)) / 2,
    ).length,
    mean_pair_cosine: meanPairCosine(gamma),
  };
}

/** The mean of the cosines of all pairs of rows, pair by pair. */
function meanPairCosine(gamma: Float32Array): number {
  const row = (i: number) => [...gamma.subarray(i * D, (i + 1) * D)];
  const units = Array.from({ length: ROWS }, (_, i) => {
    const norm = Math.sqrt(total(row(i).map((value) => value * value)));
    return row(i).map((value) => value / norm);
  });
  let sum = 0;
  for (let i = 0; i < ROWS; i++)
    for (let k = 0; k < i; k++) sum += total(units[i]!.map((value, j) => value * units[k]![j]!));
  return sum / ((ROWS * (ROWS - 1)) / 2);
}

/** min Z / max Z over both signs of the eigenvectors of W^T W, [d, d] row-major. */
function isotropy(gamma: Float32Array, eigenvectors: Float32Array): number {
  const sums: number[] = [];
  for (let j = 0; j < D; j++) {
    for (const sign of [1, -1]) {
      const products = Array.from({ length: ROWS }, (_, i) =>
        total(Array.from({ length: D }, (_, k) => gamma[i * D + k]! * eigenvectors[k * D + j]!)),
      );
      sums.push(total(products.map((product) => Math.exp(sign * product))));
    }
  }
  return Math.min(...sums) / Math.max(...sums);
}

test('the figures of the spectrum of a run are their definitions, and verify measures them again', async (t) => {
  const { directory: model, gamma } = shardedModel(t, ROWS, D);
  const out = path.join(scratchDirectory(t), 'run');
  const { manifest } = await runHere({ model, out, partitionRows: 100 });
  const expected = byDefinition(gamma);
  t.deepEqual(
    Object.keys(manifest.spectralFigures),
    spectralFigures.map(({ name }) => name),
  );
  const compare = (figures: Record<string, number | null>, tolerance: number) => {
    for (const [name, wanted] of Object.entries(expected)) {
      const found = figures[name]!;
      // Means are those of float32 projections; all else is float64, but for the stored eigenvectors.
      const allowed = /uncentred|outlier|cosine/.test(name) ? 1e-6 : tolerance;
      t.true(found === wanted || Math.abs(found / wanted - 1) <= allowed, `${name}: ${found}, ${wanted}`);
    }
  };
  compare(manifest.spectralFigures, 1e-11);
  t.is(manifest.spectralFigures.partition_isotropy, null);
  // Of the second moment about zero, the centred figures are those that the mean leaves.
  const uncentred = path.join(scratchDirectory(t), 'run');
  const second = await runHere({ model, out: uncentred, partitionRows: 100, secondMoment: 'uncentred' });
  compare(second.manifest.spectralFigures, 1e-6);
  const { eigenvectors } = await readBasis(uncentred, D);
  const { partition_isotropy: found } = second.manifest.spectralFigures;
  t.true(Math.abs(found! / isotropy(gamma, eigenvectors) - 1) <= 1e-6);
  t.true((await verifyHere(uncentred)).verification.passed);
  t.true((await verifyHere(out)).verification.passed);
  const shown = await answer('inspect', out);
  t.regex(shown.stdout, /^ {2}IsoScore +0\.\d+ +\(PR - 1\) \/ \(d - 1\), PR = \(sum c\)\^2 \/ sum c\^2$/m);
});

test('a metric that is not known to be the own one leaves the figures unknown', async (t) => {
  const { directory: model } = shardedModel(t, ROWS, D);
  const identity = Float64Array.from({ length: D * D }, (_, k) => (k % (D + 1) === 0 ? 1 : 0));
  const metric = scratchFile(t, 'M.npy', npy('<f8', [D, D], new Uint8Array(identity.buffer)));
  const { manifest } = await runHere({ model, metric, out: path.join(scratchDirectory(t), 'run') });
  const known = Object.entries(manifest.spectralFigures).filter(([, value]) => value !== null);
  // A figure of the rows themselves.
  t.deepEqual(
    known.map(([name]) => name),
    ['mean_pair_cosine'],
  );
});

test('figures that are not defined are null: of one dimension, and of a spectrum with zeros', (t) => {
  const of = (c: number[], means: number[]) =>
    spectralFiguresOf({
      eigenvalues: Float64Array.from(c, (value) => 1 / (value + 1)),
      covarianceEigenvalues: Float64Array.from(c),
      ...{ ridge: 1, epsilon: 0, projected: null, rows: 100, means: Float64Array.from(means) },
      eigenvectors: Float32Array.from({ length: c.length ** 2 }, (_, k) =>
        k % (c.length + 1) === 0 ? 1 : 0,
      ),
      ...{ secondMoment: 'centred', isWeighted: false, rowSums: null },
    });
  t.like(of([4], [3]), {
    iso_score: null,
    decay_alpha: null,
    effective_rank_centred: 1,
    stable_rank_uncentred: 1,
  });
  const half = of([4, 4, 0, -1e-20], [0, 0, 0, 3]);
  t.like(half, { stable_rank_centred: 2, decay_alpha: 0, outlier_coordinate_ratio: 2 });
  t.true(Math.abs(half.effective_rank_centred! - 2) <= 1e-14);
  // Singular values 3, 2, 2 and 0.
  t.true(Math.abs(half.stable_rank_uncentred! - 17 / 9) <= 1e-14);
  t.is(of([0, 0], [0, 0]).iso_score, null);
});

test('of a second moment in which the mean drowns the variance, what is centred is unknown, not wrong', (t) => {
  // C = diag(4, 3, 2, 1), its mean along the first direction.
  const of = (mean: number) =>
    spectralFiguresOf({
      eigenvalues: Float64Array.of(1, 1, 1, 1),
      covarianceEigenvalues: Float64Array.of(4 + mean ** 2, 3, 2, 1),
      ...{
        ridge: 0,
        epsilon: 0,
        projected: new Float64Array(4),
        rows: 100,
        means: Float64Array.of(mean, 0, 0, 0),
      },
      eigenvectors: Float32Array.from({ length: 16 }, (_, k) => (k % 5 === 0 ? 1 : 0)),
      ...{ secondMoment: 'uncentred', isWeighted: false, rowSums: null },
    });
  const small = of(10);
  t.true(Math.abs(small.stable_rank_centred! - 10 / 4) <= 1e-12);
  t.true(Math.abs(small.outlier_coordinate_ratio! - 2 / ((Math.sqrt(3) + Math.sqrt(2)) / 2)) <= 1e-12);
  const large = of(1000);
  const centred = spectralFigures.map(({ name }) => name).filter((name) => !name.includes('uncentred'));
  for (const name of centred) t.is(large[name], null, name);
  t.true(Math.abs(large.stable_rank_uncentred! - (1e6 + 10) / (1e6 + 4)) <= 1e-12);
});

test('a batch has a column for each figure, and docs/mathematics.md its formula', async (t) => {
  const folder = scratchDirectory(t);
  const { directory: model } = shardedModel(t, 200, 8);
  const file = scratchFile(
    t,
    'series.json',
    JSON.stringify({ out: folder, backend: 'portable', runs: [{ model, secondMoment: 'uncentred' }] }),
  );
  const { code, stderr } = await start(['batch', file, '--quiet']).ended;
  t.is(code, 0, stderr);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const result = await connection.runAndReadAll(`SELECT * FROM '${path.join(folder, 'summary.parquet')}'`);
  const [row] = result.getRowObjectsJS();
  connection.closeSync();
  const { text } = documentNamed('docs/mathematics.md');
  for (const { name, formula } of spectralFigures) {
    t.is(typeof row![name], 'number', name);
    t.true(text.includes(`| \`${name}\``) && text.includes(formula.replaceAll('|', '\\|')), name);
  }
});
