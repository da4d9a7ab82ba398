import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { openCheckpoint } from '../../src/input/open-checkpoint.js';
import { openRows } from '../../src/input/rows.js';
import { openTokenizer } from '../../src/input/tokenizer/open-tokenizer.js';
import type { Manifest } from '../../src/output/manifest.js';
import { eigenshard, eigenshardUntilRename } from '../helpers/cli.js';
import { npy, safetensors, scratchDirectory } from '../helpers/fixtures.js';
import { randomFloat32, randomOrthogonal } from '../helpers/random.js';
import { referenceTables } from '../helpers/reference-tables.js';
import { readBasis, readProjections, runHere, shardedModel } from '../helpers/runs.js';
import { realModelTest } from '../helpers/shared-models.js';
import { type Row, readTables, tableNames } from '../helpers/tables.js';

/**
 * A checkpoint with everything that is awkward: rows of zeros, bit-identical rows, rows without a token, a metric with
 * repeated eigenvalues, a large mean, few enough dimensions for cosines up to 1.
 */
function awkwardModel(t: ExecutionContext): { model: string; metric: string } {
  const [rows, d] = [331, 18];
  const gamma = randomFloat32(rows * d, 11);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < d; k++) gamma[i * d + k]! += k === 3 ? 0.75 : 0.05;
  }
  const copy = (from: number, to: number) => gamma.copyWithin(to * d, from * d, (from + 1) * d);
  for (const [from, to] of [
    [4, 5],
    [4, 300],
    [70, 71],
    [330, 12],
  ] as const) {
    copy(from, to);
  }
  for (const zero of [20, 201, 202]) gamma.fill(0, zero * d, (zero + 1) * d);
  // A row along one direction alone, and its negative.
  for (let k = 0; k < d; k++) gamma[100 * d + k] = 2 * gamma[99 * d + k]!;
  for (let k = 0; k < d; k++) gamma[101 * d + k] = -gamma[99 * d + k]!;

  const model = path.join(scratchDirectory(t), 'awkward');
  mkdirSync(model);
  const data = new Uint8Array(gamma.buffer);
  writeFileSync(
    path.join(model, 'model.safetensors'),
    safetensors([{ name: 'lm_head.weight', dtype: 'F32', shape: [rows, d], data }]),
  );
  writeFileSync(path.join(model, 'config.json'), JSON.stringify({ hidden_size: d }));
  const vocab = Object.fromEntries(
    Array.from({ length: 320 }, (_, id) => [`t${id}`, id]).filter(([, id]) => id !== 17),
  );
  const added = [{ id: 319, content: '<end>', special: true }];
  writeFileSync(
    path.join(model, 'tokenizer.json'),
    JSON.stringify({ model: { vocab }, added_tokens: added }),
  );

  const lambda = Array.from({ length: d }, (_, j) => (j < 5 ? 2 : j < 9 ? 7 : 10 + 13 * j));
  const Q = randomOrthogonal(d, 5);
  const M = new Float64Array(d * d);
  for (let a = 0; a < d; a++) {
    for (let b = 0; b < d; b++) {
      for (let j = 0; j < d; j++) M[a * d + b]! += lambda[j]! * Q[a * d + j]! * Q[b * d + j]!;
    }
  }
  const metric = path.join(scratchDirectory(t), 'metric.npy');
  writeFileSync(metric, npy('<f8', [d, d], new Uint8Array(M.buffer)));
  return { model, metric };
}

async function referenceOf(out: string, model: string, manifest: Manifest) {
  const { source } = await openCheckpoint(model);
  const d = source.columns;
  const stored = new Uint8Array(source.rows * d * 4);
  const rows = openRows(source);
  rows.read(0, source.rows, stored);
  rows.close();
  const tokenizer = await openTokenizer(model);
  const covarianceEigenvalues = await withStoredTensors(
    path.join(out, 'eigenbasis.safetensors'),
    (tensors) =>
      manifest.metric.ridge === null ? Promise.resolve(null) : tensors.float64('covariance_eigenvalues', [d]),
  );
  return referenceTables({
    projections: (await readProjections(out)).values,
    gamma: new Float32Array(stored.buffer),
    ...(await readBasis(out, d)),
    covarianceEigenvalues,
    token:
      tokenizer === null
        ? null
        : (id) => ({
            text: tokenizer.text(id),
            isSpecial: tokenizer.isSpecial(id),
            isByte: tokenizer.isByte(id),
          }),
    top: manifest.tables!.top,
    clusterThreshold: manifest.tables!.clusterThreshold,
    histogram: manifest.tables!.histogram,
  });
}

/** How far a column's value may be from another computation of it, in float64. */
function toleranceOf(table: string, name: string, row: Row, quantileError: number): number {
  const value = Math.abs(row[name] as number);
  if (name.startsWith('quantile')) return quantileError * ((row.maximum as number) - (row.minimum as number));
  // Near 0 and 180 degrees, a rounding error of the cosine is the square of one of the angle.
  if (/angle_(minimum|maximum)$/.test(name) || name === 'angle') return 2e-6;
  if (name.includes('angle')) return 1e-4;
  // What these could be at most, because they cancel: a standard deviation, 1, the norm.
  if (table === 'eigenvectors' && name === 'mean') return 1e-12 * Math.sqrt(row.variance as number);
  if (['skewness', 'kurtosis'].includes(name) || name.endsWith('cosine')) return 1e-12 * Math.max(1, value);
  if (name === 'norm_error') return 1e-14 * (row.norm as number);
  if (name.startsWith('centroid')) return 1e-12;
  if (name === 'relative_gap') return 1e-15;
  return 1e-12 * value;
}

/** Asserts that rows have the same columns in the same order, the same words and whole numbers, and near numbers. */
function sameRows(t: ExecutionContext, table: string, actual: Row[], expected: Row[], quantileError: number) {
  t.is(actual.length, expected.length, table);
  const worst = new Map<string, number>();
  for (const [i, wanted] of expected.entries()) {
    const row = actual[i]!;
    if (i === 0) t.deepEqual(Object.keys(row), Object.keys(wanted));
    for (const [name, value] of Object.entries(wanted)) {
      if (typeof value !== 'number' || typeof row[name] !== 'number') {
        if (row[name] !== value) t.is(row[name], value, `${table} row ${i}, ${name}`);
        continue;
      }
      const off = Math.abs(row[name] - value);
      const ratio = off === 0 ? 0 : off / toleranceOf(table, name, wanted, quantileError);
      worst.set(name, Math.max(worst.get(name) ?? 0, ratio));
      if (!(ratio <= 1)) t.fail(`${table} row ${i}, ${name}: ${row[name]}, expected ${value}`);
    }
  }
  const near = [...worst]
    .filter(([, ratio]) => ratio > 0.01)
    .map(([name, ratio]) => `${name} ${ratio.toFixed(3)}`);
  t.log(`${table}: largest deviations over their tolerances: ${near.join(', ') || 'below 0.01'}`);
}

async function followsFormulas(t: ExecutionContext, out: string, model: string, manifest: Manifest) {
  const expected = await referenceOf(out, model, manifest);
  const actual = await readTables(out);
  for (const name of tableNames) {
    sameRows(t, name, actual[name], expected[name], manifest.tables!.quantileError);
  }
  return actual;
}

realModelTest('every column of every table of a real model follows its formula', async (t, model) => {
  const out = scratchDirectory(t);
  const { manifest } = await runHere({ model, out, partitionRows: 100 });
  const { tokens, eigenvectors, histograms } = await followsFormulas(t, out, model, manifest);
  t.is(tokens[1]!.text, '\n<s>\n'.slice(1, 4));
  // The identities of the mathematics.
  const { eigenvalues } = await readBasis(out, 64);
  const rounding = 1e-5;
  for (const [j, row] of eigenvectors.entries()) {
    t.true(Math.abs((row.mean as number) - (row.centroid_coordinate as number)) < rounding);
    t.true(Math.abs((row.variance as number) - (row.covariance_eigenvalue as number)) < rounding);
    const counts = histograms.filter(({ index }) => index === j).map(({ count }) => count as number);
    t.is(
      counts.reduce((a, b) => a + b),
      512,
    );
    t.is(row.eigenvalue, eigenvalues[j]!);
  }
});

test('so they do with equal rows, rows of zeros, rows without tokens and repeated eigenvalues', async (t) => {
  const { model, metric } = awkwardModel(t);
  for (const partitionRows of [331, 64, 7]) {
    const out = scratchDirectory(t);
    const { manifest } = await runHere({ model, metric, out, partitionRows, top: 30 });
    const { tokens, eigenvectors } = await followsFormulas(t, out, model, manifest);
    t.deepEqual(
      eigenvectors.map(({ cluster }) => cluster),
      [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    t.is(tokens[300]!.duplicate_group, 4);
    t.is(tokens[202]!.duplicate_group, 20);
    t.is(tokens[20]!.distortion, null);
    t.deepEqual(manifest.tables!.summary.counts, {
      rows: 331,
      tokens: 319,
      orphans: 12,
      specials: 1,
      duplicateGroups: 4,
      duplicateRows: 10,
      zeroRows: 3,
    });
  }
});

test('more places than tokens give every token a place, and one token or dimension is enough', async (t) => {
  const model = shardedModel(t, 3, 1).directory;
  const out = scratchDirectory(t);
  const { manifest } = await runHere({ model, out, ridge: 1e-3, top: 500 });
  t.is(manifest.tables!.top, 3);
  const { tokens, eigenvectors, extremes } = await readTables(out);
  t.is(extremes.length, 18);
  t.deepEqual([tokens[0]!.direction_1, eigenvectors[0]!.relative_gap], [0, null]);
  t.true([0, 180].includes(Math.round(eigenvectors[0]!.euclidean_angle_minimum as number)));
  t.false('direction_2' in tokens[0]!);
});

/** The bytes of the tables, without the fingerprint, by which runs with other options differ. */
function tableBytes(out: string, { fingerprint }: Manifest): string[] {
  return tableNames.map((name) =>
    readFileSync(path.join(out, `${name}.parquet`))
      .toString('latin1')
      .replaceAll(fingerprint, ''),
  );
}

test('the tables are the same bytes for any number of workers and any format', async (t) => {
  const { model, metric } = awkwardModel(t);
  const bytes = [];
  for (const [workers, format] of [
    [1, 'parquet'],
    [2, 'parquet'],
    [5, 'parquet'],
    [2, 'arrow'],
    [3, 'both'],
  ] as const) {
    const out = scratchDirectory(t);
    const { manifest } = await runHere({ model, metric, out, workers, format, partitionRows: 20 });
    bytes.push(tableBytes(out, manifest));
  }
  for (const other of bytes.slice(1)) {
    for (const [k, name] of tableNames.entries()) t.true(other[k] === bytes[0]![k], name);
  }
});

test('other partition sizes change sums in their last bits, and nothing else', async (t) => {
  const model = shardedModel(t, 3000, 64).directory;
  const tables = [];
  for (const partitionRows of [3000, 1000, 257]) {
    const out = scratchDirectory(t);
    await runHere({ model, out, partitionRows });
    tables.push(await readTables(out));
  }
  for (const other of tables.slice(1)) {
    for (const name of tableNames) {
      let worst = 0;
      for (const [i, row] of tables[0]![name].entries()) {
        for (const [column, value] of Object.entries(row)) {
          const found = other[name][i]![column];
          if (typeof value !== 'number' || typeof found !== 'number' || found === value) {
            if (found !== value) t.is(found, value, `${name} row ${i}, ${column}`);
            continue;
          }
          t.true(/mean|std|variance|skewness|kurtosis/.test(column), `${name}.${column} differs`);
          // Means and skewness may be next to nothing: what they are made of is not.
          const scale =
            column === 'mean'
              ? Math.sqrt(row.variance as number)
              : Math.max(Math.abs(value), column === 'skewness' ? 1 : 0);
          worst = Math.max(worst, Math.abs(found - value) / scale);
        }
      }
      t.log(`${name}: ${worst.toExponential(1)}`);
      t.true(worst <= 1e-12);
    }
  }
});

test('without tables none are written; a finished run is not silently taken for one that has them', async (t) => {
  const model = shardedModel(t, 100, 8).directory;
  const out = scratchDirectory(t);
  const { manifest } = await runHere({ model, out, tables: 'none' });
  t.is(manifest.tables, null);
  await t.throwsAsync(runHere({ model, out }, { resume: true }), { message: /its inputs or options differ/ });
  const again = await runHere({ model, out }, { overwrite: true });
  t.is(again.manifest.tables!.files.length, 4);
  const gone = await runHere({ model, out, tables: 'none' }, { overwrite: true });
  t.is(gone.manifest.tables, null);
  await t.throwsAsync(readTables(out));
});

test('a run that was killed while its tables were written is resumed to the same bytes, or replaced', async (t) => {
  const model = shardedModel(t, 100, 8).directory;
  const whole = scratchDirectory(t);
  const { manifest } = await runHere({ model, out: whole });
  const expected = tableBytes(whole, manifest);
  for (const flag of ['resume', 'overwrite'] as const) {
    const out = scratchDirectory(t);
    const command = ['--model', model, '--out', out, '--backend', 'portable', '--quiet'];
    const killed = await eigenshardUntilRename(command, path.join(out, 'extremes.parquet'));
    t.is(killed.code, null, killed.stderr);
    t.true(existsSync(path.join(out, 'plan.json')));
    t.true(existsSync(path.join(out, 'tokens.parquet')));
    writeFileSync(path.join(out, 'tokens.parquet'), 'of another time');
    await runHere({ model, out }, { [flag]: true });
    t.deepEqual(tableBytes(out, manifest), expected);
  }
});

test('verify finds a table that is no longer what was written', async (t) => {
  const model = shardedModel(t, 100, 8).directory;
  const out = scratchDirectory(t);
  await runHere({ model, out });
  const file = path.join(out, 'extremes.parquet');
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
  const { code, stdout } = await eigenshard('verify', out, '--quiet');
  t.is(code, 3);
  t.regex(stdout, /extremes.parquet: not the recorded bytes/);
});
