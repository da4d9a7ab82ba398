import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import pl from 'nodejs-polars';
import { screenText } from '../../src/commands/answer-text.js';
import { projectedText } from '../../src/commands/project-text.js';
import { InputError } from '../../src/errors.js';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { problemsOfFolder } from '../../src/output/folder-kinds.js';
import { type OpenRun, openRun } from '../../src/output/open-run.js';
import type { ProgressEvent } from '../../src/run/progress.js';
import { type ProjectVectorsOptions, projectVectors } from '../../src/run/project-vectors.js';
import { answer } from '../helpers/answers.js';
import { eigenshardUntilRename } from '../helpers/cli.js';
import { npy, scratchDirectory } from '../helpers/fixtures.js';
import { normedModel } from '../helpers/normed-model.js';
import {
  EQUAL_ROWS,
  readParquet,
  textOf,
  type VectorRun,
  vectorRun,
  ZERO_ROW,
} from '../helpers/projected-vectors.js';
import { randomFloat32 } from '../helpers/random.js';
import { dataFiles, runHere, verifyHere } from '../helpers/runs.js';
import { range, sum } from '../helpers/sums.js';

const hiddenLike: ProjectVectorsOptions = { kind: 'hidden', space: 'normed', workers: 1 };
const tokenLike: ProjectVectorsOptions = { kind: 'token', space: 'normed', workers: 1 };

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => sum(range(a.length).map((j) => a[j]! * b[j]!));

/** Rows of a matrix [rows, d]. */
const rowOf = (matrix: Float32Array | Float64Array, i: number, d: number) =>
  matrix.subarray(i * d, (i + 1) * d);

/** The covariance C of all rows in float64, from its definition, as products with vectors. */
function covarianceOf({ gamma, rows, hidden }: VectorRun) {
  const mean = range(hidden).map((j) => sum(range(rows).map((i) => gamma[i * hidden + j]!)) / rows);
  const centred = range(rows).map((i) => range(hidden).map((j) => gamma[i * hidden + j]! - mean[j]!));
  const times = (u: ArrayLike<number>) => {
    const along = centred.map((row) => dot(row, u));
    return range(hidden).map((j) => sum(centred.map((row, i) => row[j]! * along[i]!)) / rows);
  };
  return { mean, times };
}

async function readDuals(directory: string, count: number, d: number): Promise<Float32Array> {
  return withStoredTensors(path.join(directory, 'duals.safetensors'), (tensors) =>
    tensors.float32('duals', [count, d]),
  );
}

const near = (a: unknown, b: number, tolerance = 1e-5) =>
  Math.abs((a as number) - b) <= tolerance * Math.max(1e-3, Math.abs(b));

test('mean and variance of the logits, shares and norms are those of sums over all rows, of hidden-like vectors', async (t) => {
  const run = await vectorRun(t);
  const { file, gamma, vectors, rows, hidden: d } = run;
  const { directory, manifest } = await projectVectors(run.directory, file, {
    ...hiddenLike,
    coordinates: true,
  });
  t.true(manifest.checks.every(({ verdict }) => verdict === 'passed'));
  t.deepEqual(readdirSync(directory).sort(), [
    ...[
      'coordinates.safetensors',
      'duals.safetensors',
      'projected.json',
      'tokens.parquet',
      'vectors.parquet',
    ],
  ]);
  const found = await readParquet(path.join(directory, 'vectors.parquet'));
  const duals = await readDuals(directory, found.length, d);
  const { times } = covarianceOf(run);
  const ridge = (await openRun(run.directory)).manifest.metric.ridge!;
  t.is(found.length, 37);
  for (const [v, row] of found.entries()) {
    const u = rowOf(vectors, v, d);
    const logits = range(rows).map((i) => dot(rowOf(gamma, i, d), u));
    const mean = sum(logits) / rows;
    const variance = sum(logits.map((logit) => (logit - mean) ** 2)) / rows;
    t.true(near(row.logit_mean, mean), `${row.logit_mean}, ${mean}`);
    t.true(near(row.logit_variance, variance));
    t.true(near(row.norm, Math.sqrt(dot(u, u)), 1e-7));
    const dual = times(u).map((value, j) => value + ridge * u[j]!);
    t.true(near(row.hidden_norm, Math.sqrt(dot(dual, u))));
    t.true(range(d).every((j) => Math.abs(duals[v * d + j]! - dual[j]!) < 1e-6));
    t.true(near(row.dual_norm, Math.sqrt(dot(dual, dual))));
    const shares = range(8).map((place) => row[`direction_${place + 1}_share`] as number);
    t.deepEqual(
      shares,
      shares.toSorted((a, b) => b - a),
    );
    t.true(sum(shares) > 0.5 && sum(shares) <= 1 + 1e-9);
  }
});

test('the dual of a token-like vector solves (C + rho I) x = g, its norm is sum lambda a^2, and signs are those of a', async (t) => {
  const run = await vectorRun(t);
  const { file, vectors, hidden: d } = run;
  const { directory } = await projectVectors(run.directory, file, {
    ...tokenLike,
    coordinates: true,
    format: 'npy',
  });
  const found = await readParquet(path.join(directory, 'vectors.parquet'));
  const bytes = readFileSync(path.join(directory, 'duals.npy'));
  const duals = new Float32Array(bytes.buffer.slice(bytes.byteOffset + bytes.length - 37 * d * 4));
  const { times } = covarianceOf(run);
  const opened = await openRun(run.directory);
  const { eigenvalues, eigenvectors } = await opened.basis();
  for (const [v, row] of found.entries()) {
    const g = rowOf(vectors, v, d);
    const dual = rowOf(duals, v, d);
    const back = times(dual).map((value, j) => value + opened.manifest.metric.ridge! * dual[j]!);
    t.true(range(d).every((j) => Math.abs(back[j]! - g[j]!) < 1e-3));
    const a = range(d).map((j) => sum(range(d).map((i) => eigenvectors[i * d + j]! * g[i]!)));
    const square = sum(a.map((value, j) => eigenvalues[j]! * value * value));
    t.true(near(row.token_norm, Math.sqrt(square)));
    t.true(near((row.token_norm as number) ** 2, dot(g, dual)));
    const first = row.direction_1 as number;
    t.true(near(row.direction_1_coordinate, a[first]!, 1e-4));
    t.true(near(row.direction_1_share, (eigenvalues[first]! * a[first]! ** 2) / square, 1e-4));
  }
});

/** Keys of every list in float64, from the rows and the eigenbasis by their definition. */
async function naiveKeys(run: VectorRun, opened: OpenRun, kind: 'token' | 'hidden', v: number) {
  const { gamma, vectors, rows, hidden: d } = run;
  const { eigenvalues, eigenvectors } = await opened.basis();
  const along = (row: ArrayLike<number>) =>
    range(d).map((j) => sum(range(d).map((i) => eigenvectors[i * d + j]! * row[i]!)));
  const a = along(rowOf(vectors, v, d));
  const b = kind === 'hidden' ? a : a.map((value, j) => value * eigenvalues[j]!);
  const weight = (j: number) => (kind === 'hidden' ? 1 / eigenvalues[j]! : eigenvalues[j]!);
  const causalNorm = Math.sqrt(sum(a.map((value, j) => weight(j) * value * value)));
  const keys: Record<string, number[]> = { logit: [], cosine: [], causal_cosine: [] };
  for (const i of range(rows)) {
    const p = along(rowOf(gamma, i, d));
    const causal = Math.sqrt(sum(p.map((value, j) => eigenvalues[j]! * value * value)));
    keys.logit!.push(dot(p, b));
    keys.cosine!.push(dot(p, a) / Math.sqrt(dot(p, p) * dot(a, a)));
    keys.causal_cosine!.push(dot(p, b) / (causal * causalNorm));
  }
  return keys;
}

for (const kind of ['hidden', 'token'] as const) {
  test(`the nearest tokens are those of plain float64 sums, ties to the lowest id: ${kind}-like`, async (t) => {
    const run = await vectorRun(t);
    const options = kind === 'hidden' ? hiddenLike : tokenLike;
    const { directory, manifest } = await projectVectors(run.directory, run.file, { ...options, top: 30 });
    t.true(manifest.checks.every(({ verdict }) => verdict === 'passed'));
    const rows = await readParquet(path.join(directory, 'tokens.parquet'));
    t.is(rows.length, 37 * 6 * 30);
    const opened = await openRun(run.directory);
    let tied = 0;
    for (const v of [0, 17, 36]) {
      const keys = await naiveKeys(run, opened, kind, v);
      const { logit_mean, logit_variance } = (await readParquet(path.join(directory, 'vectors.parquet')))[v]!;
      for (const [measure, values] of Object.entries(keys))
        for (const side of ['+', '-']) {
          const list = rows.filter((row) => row.vector === v && row.measure === measure && row.side === side);
          const sign = side === '+' ? -1 : 1;
          const ids = range(run.rows).filter((id) => measure === 'logit' || id !== ZERO_ROW);
          const expected = ids.sort((a, b) => sign * (values[a]! - values[b]!) || a - b);
          const size = Math.max(...values.filter(Number.isFinite).map(Math.abs));
          for (const [k, row] of list.entries()) {
            const id = row.token_id as number;
            t.is(row.place, k + 1);
            t.is(row.text, textOf(id));
            // Float32 products may swap what is nearer than they tell apart.
            t.true(Math.abs((row.value as number) - values[id]!) <= 1e-5 * size, `${measure} ${side} ${k}`);
            t.true(Math.abs(values[id]! - values[expected[k]!]!) <= 1e-5 * size, `${measure} ${side} ${k}`);
            if (measure === 'logit')
              t.true(
                near(
                  row.z_score,
                  (values[id]! - (logit_mean as number)) / Math.sqrt(logit_variance as number),
                  1e-3,
                ),
              );
          }
          const equal = list.filter(
            (row) =>
              ((row.token_id as number) >= EQUAL_ROWS &&
                ((row.token_id as number) - EQUAL_ROWS - 1) % 30 === 0) ||
              row.token_id === EQUAL_ROWS,
          );
          t.deepEqual(
            equal.map((row) => row.token_id),
            equal.map((row) => row.token_id).toSorted((a, b) => (a as number) - (b as number)),
          );
          t.true(new Set(equal.map((row) => row.value)).size <= 1);
          tied += equal.length;
        }
    }
    t.true(tied > 10, `${tied} tokens of equal rows are listed`);
  });
}

test('every file has the same bytes for 1, 2 and 3 workers, and of Arrow as of Parquet partitions', async (t) => {
  const run = await vectorRun(t);
  const arrow = await vectorRun(t, { format: 'arrow' });
  const filesOf = async (directory: string, workers: number) => {
    const made = await projectVectors(directory, run.file, {
      ...{ ...hiddenLike, workers, coordinates: true, name: `w${workers}` },
    });
    const files = dataFiles(made.directory);
    files.delete('projected.json');
    return files;
  };
  const expected = await filesOf(run.directory, 1);
  t.deepEqual(
    [...expected.keys()],
    ['coordinates.safetensors', 'duals.safetensors', 'tokens.parquet', 'vectors.parquet'],
  );
  for (const workers of [2, 3]) t.deepEqual(await filesOf(run.directory, workers), expected);
  const others = await filesOf(arrow.directory, 2);
  const rowsOf = async (files: Map<string, Buffer>, name: string) => {
    const file = path.join(path.dirname(run.file), name);
    writeFileSync(file, files.get('tokens.parquet')!);
    return readParquet(file);
  };
  t.deepEqual(await rowsOf(others, 'a.parquet'), await rowsOf(expected, 'b.parquet'));
});

test('vectors of a Parquet file are those of any other, and no copy of them is left', async (t) => {
  const run = await vectorRun(t);
  const { hidden: d } = run;
  const file = path.join(path.dirname(run.file), 'list.parquet');
  const rows = range(37).map((v) => Array.from(rowOf(run.vectors, v, d)));
  pl.DataFrame([pl.Series('embedding', rows)]).writeParquet(file, { compression: 'snappy' });
  const options = { ...hiddenLike, coordinates: true };
  const [given, other] = [
    await projectVectors(run.directory, run.file, { ...options, name: 'npy' }),
    await projectVectors(run.directory, file, options),
  ];
  t.like(other.manifest.vectors, { path: file, tensor: 'embedding', dtype: 'float64', count: 37 });
  const [expected, found] = [dataFiles(given.directory), dataFiles(other.directory)];
  for (const files of [expected, found]) files.delete('projected.json');
  t.deepEqual(found, expected);
});

test('resume keeps what is the same and intact, makes anew what is damaged, and refuses another', async (t) => {
  const run = await vectorRun(t);
  const wish = { ...hiddenLike, top: 3, resume: true };
  const first = await projectVectors(run.directory, run.file, wish);
  t.true(first.isNew);
  const again = await projectVectors(run.directory, run.file, wish);
  t.false(again.isNew);
  t.deepEqual(again.manifest, first.manifest);
  const file = path.join(first.directory, 'vectors.parquet');
  const bytes = readFileSync(file);
  writeFileSync(file, 'x');
  t.true((await projectVectors(run.directory, run.file, wish)).isNew);
  t.true(readFileSync(file).equals(bytes));
  for (const other of [
    { top: 4 },
    { duals: false },
    { rows: { from: 0, to: 2 } },
    { format: 'npy' as const },
  ])
    await t.throwsAsync(projectVectors(run.directory, run.file, { ...wish, ...other }), {
      message: /is there already/,
    });
  writeFileSync(run.file, npy('<f4', [1, run.hidden], new Uint8Array(run.hidden * 4)));
  await t.throwsAsync(projectVectors(run.directory, run.file, wish), { message: /is there already/ });
  await t.throwsAsync(projectVectors(run.directory, run.file, { ...wish, overwrite: true }), {
    message: /resume keeps a projection that is the same/,
  });
});

test('a folder of projected vectors is inspected, verified and asked by itself, and is no run to other commands', async (t) => {
  const run = await vectorRun(t);
  const projected = await projectVectors(run.directory, run.file, { ...hiddenLike, top: 3 });
  const { directory, manifest } = projected;
  // A list of somebody else's under the name of a record makes no other folder of a run.
  writeFileSync(path.join(run.directory, 'concepts.json'), '[]');
  t.regex((await answer('inspect', run.directory)).stdout, /fingerprint \S+\n {2}checkpoint /);
  t.regex((await answer('verify', run.directory, '--quiet')).stdout, /Verification: passed/);
  const shown = await answer('inspect', directory);
  t.like(shown, { code: 0, stdout: `${screenText(projectedText(projected))}\n`, stderr: '' });
  t.regex(
    shown.stdout,
    /37 vectors x 24, hidden-like, normed\n {2}of \S+vectors\.npy, by the eigenbasis of model\n/,
  );
  t.deepEqual(JSON.parse((await answer('inspect', directory, '--json')).stdout), manifest);
  t.like(await answer('verify', directory), {
    code: 0,
    stdout: `${directory}: projected vectors, as recorded\n`,
  });
  const { stdout } = await answer('sql', directory, 'SELECT count(*) AS n FROM vectors', '--json');
  t.deepEqual(JSON.parse(stdout), [{ n: 37 }]);
  for (const [command, ...more] of [
    ['top', '--eigenvector', '0'],
    ['status'],
    ['step', 'scan'],
    ['export', '--export', 'npy'],
  ]) {
    const { code, stderr } = await answer(command!, directory, ...more);
    t.is(code, 2, command);
    t.true(stderr.includes(`is no run but projected vectors`), stderr);
    t.true(stderr.includes(`; the run is in ${run.directory}`), stderr);
  }
  for (const part of [path.dirname(directory), path.join(directory, 'vectors.parquet')])
    t.regex((await answer('inspect', part)).stderr, /: is a part of the run in \S+run; give that directory/);
  writeFileSync(path.join(directory, 'duals.safetensors'), 'x');
  const damaged = await answer('verify', directory, '--json');
  t.is(damaged.code, 3);
  t.deepEqual(JSON.parse(damaged.stdout), {
    passed: false,
    problems: [`${path.join(directory, 'duals.safetensors')}: not the recorded bytes`],
  });
  t.regex(damaged.stderr, /\nTo mend it, project the vectors again, with --overwrite\n/);
});

test('projected vectors that were moved to another run are told from its own', async (t) => {
  const run = await vectorRun(t);
  const { directory } = await projectVectors(run.directory, run.file, { ...hiddenLike, top: 0 });
  const other = path.join(path.dirname(run.directory), 'other');
  await runHere({ model: path.join(path.dirname(run.directory), 'model'), out: other, ridge: 0.5 });
  const moved = path.join(other, 'projected', 'vectors');
  mkdirSync(moved, { recursive: true });
  for (const name of readdirSync(directory)) copyFileSync(path.join(directory, name), path.join(moved, name));
  t.deepEqual(await problemsOfFolder('projected', moved), [
    `${moved}: was made of another run than that in ${other}`,
  ]);
  t.deepEqual(await problemsOfFolder('projected', directory), []);
});

test('the wrong kind is off by the square of the condition number, which the refusal of none names', async (t) => {
  const run = await vectorRun(t);
  const opened = await openRun(run.directory);
  const { hidden: d } = run;
  const { eigenvectors } = await opened.basis();
  // A vector that has as much of the first eigenvector as of the last.
  const g = Float32Array.from({ length: d }, (_, i) => eigenvectors[i * d]! + eigenvectors[i * d + d - 1]!);
  const file = path.join(path.dirname(run.file), 'g.npy');
  writeFileSync(file, npy('<f4', [d], new Uint8Array(g.buffer)));
  const ratioOf = async (options: ProjectVectorsOptions, name: string) => {
    const { directory } = await projectVectors(run.directory, file, { ...options, name, top: 0 });
    const dual = await readDuals(directory, 1, d);
    const along = (j: number) => sum(range(d).map((i) => dual[i]! * eigenvectors[i * d + j]!));
    return along(d - 1) / along(0);
  };
  const wrong = (await ratioOf(tokenLike, 'right')) / (await ratioOf(hiddenLike, 'wrong'));
  const kappa = opened.manifest.eigenvalues.conditionNumber;
  t.log(`off by ${wrong.toExponential(2)}, kappa^2 is ${(kappa ** 2).toExponential(2)}`);
  t.true(kappa > 100 && Math.abs(wrong / kappa ** 2 - 1) < 1e-2);
  const silent = await answer('project', run.directory, file);
  t.is(silent.code, 2);
  const lines = silent.stderr.trimEnd().split('\n');
  t.is(lines.length, 3);
  t.true(lines[0]!.includes(`off by up to kappa^2 (${(kappa ** 2).toExponential(2)} here)`), lines[0]);
  t.regex(lines[1]!, /^ {2}token: .* M g/);
  t.regex(lines[2]!, /^ {2}hidden: /);
  // What was made as the dual of token-like vectors is hidden-like, and its file says so.
  const duals = path.join(run.directory, 'projected/right/duals.safetensors');
  await t.throwsAsync(projectVectors(run.directory, duals, { ...tokenLike, name: 'back' }), {
    instanceOf: InputError,
    message: /its metadata say that these vectors are hidden-like, --kind says token/,
  });
  const back = await projectVectors(run.directory, duals, { ...hiddenLike, name: 'back', top: 0 });
  const twice = await readDuals(back.directory, 1, d);
  t.true(
    range(d).every((j) => Math.abs(twice[j]! - g[j]!) < 1e-3),
    'the dual of the dual is the vector',
  );
});

test('what is not said, cannot be had, or stands in the way is refused before anything is written', async (t) => {
  const run = await vectorRun(t);
  const any = (options: object) => options as ProjectVectorsOptions;
  const project = (options: object, file = run.file) => projectVectors(run.directory, file, any(options));
  const cases: [object, RegExp][] = [
    [{}, /say what the vectors are with --kind token or hidden;/],
    [{ kind: 'hiden' }, /--kind token or hidden, not "hiden"/],
    [{ kind: 'hidden' }, /say where the vectors lie with --space normed or residual;/],
    [{ kind: 'token' }, /say where the vectors lie/],
    [{ kind: 'hidden', space: 'residual', normRule: 'rms' }, /holds no final norm under a known name/],
    [{ ...hiddenLike, name: '../elsewhere' }, /--name "..\/elsewhere": expected the name of a folder/],
    [{ ...hiddenLike, nam: 'x' }, /unknown key "nam" \(did you mean "name"\?\)/],
    [{ ...hiddenLike, top: 0, neuronpedia: 'x' }, /nearest tokens, which are not asked for/],
    [{ ...hiddenLike, rows: { from: 0, to: 99 } }, /holds 37 vectors; --rows 0:99/],
  ];
  for (const [options, message] of cases)
    await t.throwsAsync(project(options), { instanceOf: InputError, message });
  t.false(existsSync(path.join(run.directory, 'projected')));
  const long = path.join(path.dirname(run.file), 'long.npy');
  writeFileSync(long, npy('<f8', [1, 24], new Uint8Array(new Float64Array(24).fill(1e300).buffer)));
  await t.throwsAsync(project(hiddenLike, long), { instanceOf: InputError, message: /too long for float32/ });
  t.false(existsSync(path.join(run.directory, 'projected')), 'what failed leaves nothing');

  await project({ ...tokenLike, space: undefined, duals: false, top: 0, name: 'plain' });
  t.deepEqual(readdirSync(path.join(run.directory, 'projected/plain')).sort(), [
    'projected.json',
    'vectors.parquet',
  ]);
  await t.throwsAsync(project({ ...hiddenLike, name: 'plain' }), {
    message: /is there already. Give another --name/,
  });
  const { directory } = await project({ ...hiddenLike, name: 'plain', overwrite: true, top: 2 });
  t.true(existsSync(path.join(directory, 'tokens.parquet')));
  writeFileSync(path.join(directory, 'notes.txt'), 'mine');
  await t.throwsAsync(project({ ...hiddenLike, name: 'plain', overwrite: true }), {
    message: /holds notes.txt, which is not of projected vectors/,
  });
});

test('vectors in part keep their numbers, a vector of zeros is near no token, and any length is taken', async (t) => {
  const run = await vectorRun(t);
  const { hidden: d } = run;
  const vectors = new Float64Array(3 * d);
  for (let j = 0; j < d; j++) {
    vectors[j] = run.vectors[j]!;
    vectors[2 * d + j] = run.vectors[j]! * 2 ** 90;
  }
  const file = path.join(path.dirname(run.file), 'lengths.npy');
  writeFileSync(file, npy('<f8', [3, d], new Uint8Array(vectors.buffer)));
  const { directory } = await projectVectors(run.directory, file, { ...hiddenLike, top: 400 });
  const tokens = await readParquet(path.join(directory, 'tokens.parquet'));
  t.deepEqual([...new Set(tokens.map(({ vector }) => vector))], [0, 2]);
  const listOf = (vector: number) => tokens.filter((row) => row.vector === vector);
  t.is(listOf(0).length, 2 * 400 + 4 * 399);
  t.deepEqual(
    listOf(2).map((row) => [
      row.token_id,
      row.measure === 'logit' ? (row.value as number) / 2 ** 90 : row.value,
    ]),
    listOf(0).map((row) => [row.token_id, row.value]),
  );
  const [, zero] = await readParquet(path.join(directory, 'vectors.parquet'));
  t.deepEqual([zero!.norm, zero!.dark_share, zero!.direction_1_share], [0, null, null]);
  const part = await projectVectors(run.directory, file, {
    ...hiddenLike,
    rows: { from: 2, to: null },
    name: 'part',
    top: 3,
  });
  t.is((await readParquet(path.join(part.directory, 'vectors.parquet')))[0]!.vector, 2);
});

test('an interruption leaves nothing, and what a kill left is removed', async (t) => {
  const run = await vectorRun(t);
  const stage = path.join(run.directory, 'projected/.vectors.partial');
  mkdirSync(stage, { recursive: true });
  for (const name of ['vectors.parquet', '.duals.safetensors.0123456789abcdef.partial'])
    writeFileSync(path.join(stage, name), 'half of it');
  const interruption = new AbortController();
  const options = {
    ...hiddenLike,
    signal: interruption.signal,
    onProgress: ({ event, ...at }: ProgressEvent) => {
      if (event === 'begun' && 'stage' in at && at.stage.name === 'nearest tokens') interruption.abort();
    },
  };
  await t.throwsAsync(projectVectors(run.directory, run.file, options), { message: 'interrupted' });
  t.false(existsSync(path.join(run.directory, 'projected')));
  mkdirSync(stage, { recursive: true });
  writeFileSync(path.join(stage, 'duals.npy'), 'half of it');
  const { directory } = await projectVectors(run.directory, run.file, hiddenLike);
  t.deepEqual(readdirSync(path.dirname(directory)), ['vectors']);
});

/** Files of a folder of projected vectors but the record, which tells how it went. */
function filesOf(directory: string): ReturnType<typeof dataFiles> {
  const files = dataFiles(directory);
  files.delete('projected.json');
  return files;
}

test('a projection that was killed is gone on with: units that are whole are kept, and the bytes are those of one that was not', async (t) => {
  const run = await vectorRun(t);
  const wish = { ...hiddenLike, coordinates: true };
  const whole = await projectVectors(run.directory, run.file, { ...wish, name: 'whole' });
  const stage = path.join(run.directory, 'projected/.vectors.partial');
  const flags = ['--kind', 'hidden', '--space', 'normed', '--coordinates', '--workers', '1', '--quiet'];
  await eigenshardUntilRename(
    ['project', run.directory, run.file, ...flags],
    path.join(stage, 'tokens.parquet'),
  );
  const left = readdirSync(stage).filter((name) => name.startsWith('.ranked-'));
  const records = left.filter((name) => name.endsWith('.json.partial')).sort();
  t.is(records.length, 5);
  // One unit has no record, the part of another one is damaged.
  rmSync(path.join(stage, records[1]!));
  const part = path.join(stage, records[3]!.replace('.json.', '.bin.'));
  const bytes = readFileSync(part);
  bytes[99]! ^= 1;
  writeFileSync(part, bytes);
  const notes: string[] = [];
  const onProgress = (event: ProgressEvent) => {
    if (event.event === 'note') notes.push(event.line);
  };
  const resumed = await projectVectors(run.directory, run.file, { ...wish, resume: true, onProgress });
  t.true(resumed.isNew);
  t.deepEqual(
    notes.filter((line) => line.startsWith('nearest tokens')),
    ['nearest tokens: 3 of 5 units were kept'],
  );
  t.deepEqual(filesOf(resumed.directory), filesOf(whole.directory));
  t.deepEqual(readdirSync(path.dirname(resumed.directory)).sort(), ['vectors', 'whole']);
});

test('with resume an interruption keeps what is done, which is gone on with where the same is asked for alone', async (t) => {
  const run = await vectorRun(t);
  const above = path.join(run.directory, 'projected');
  const keptOf = () => readdirSync(path.join(above, '.vectors.partial')).filter((name) => /json/.test(name));
  const interrupted = async () => {
    const stop = new AbortController();
    const onProgress = (event: ProgressEvent) => {
      // Of 400: some of the partitions of 90 rows are done then.
      if (event.event === 'advanced' && event.stage.name === 'nearest tokens' && event.stage.done >= 180)
        stop.abort();
    };
    const options = { ...hiddenLike, resume: true, signal: stop.signal, onProgress };
    await t.throwsAsync(projectVectors(run.directory, run.file, options), { message: 'interrupted' });
    t.true(keptOf().length > 0 && keptOf().length < 5, keptOf().join());
    return keptOf().length;
  };
  const resumed = async (options: Partial<ProjectVectorsOptions>, file = run.file) => {
    const notes: string[] = [];
    const onProgress = (event: ProgressEvent) => {
      if (event.event === 'note' && event.line.startsWith('nearest tokens')) notes.push(event.line);
    };
    const made = await projectVectors(run.directory, file, { ...hiddenLike, ...options, onProgress });
    t.deepEqual(readdirSync(above), ['vectors'], 'nothing else is left');
    rmSync(above, { recursive: true });
    return { notes, files: made.manifest.files };
  };
  const done = await interrupted();
  const { notes, files } = await resumed({ resume: true });
  t.deepEqual(notes, [`nearest tokens: ${done} of 5 units were kept`]);
  for (const other of [{ resume: true, top: 6 }, { resume: true, duals: false }, {}] as const) {
    await interrupted();
    t.deepEqual((await resumed(other)).notes, [], JSON.stringify(other));
  }
  await interrupted();
  const changed = Float32Array.from(run.vectors, (value, k) => (k === 5 ? value + 1 : value));
  writeFileSync(run.file, npy('<f4', [37, run.hidden], new Uint8Array(changed.buffer)));
  const other = await resumed({ resume: true });
  t.deepEqual(other.notes, []);
  t.notDeepEqual(other.files, files);
});

test('a damaged partition or table is told before anything rests on it', async (t) => {
  const run = await vectorRun(t);
  const partition = path.join(run.directory, 'projections/parquet/part-00002.parquet');
  const bytes = readFileSync(partition);
  bytes[bytes.length >> 1]! ^= 4;
  writeFileSync(partition, bytes);
  const error = await t.throwsAsync(projectVectors(run.directory, run.file, hiddenLike));
  t.regex(error!.message, /part-00002\.parquet: not the recorded bytes/);
  t.false(existsSync(path.join(run.directory, 'projected')));
});

test('verify compares projections of vectors with their records, and leaves what is no projection alone', async (t) => {
  const run = await vectorRun(t);
  const { directory } = await projectVectors(run.directory, run.file, hiddenLike);
  mkdirSync(path.join(run.directory, 'projected/of somebody else'));
  t.true((await verifyHere(run.directory)).verification.passed);
  const file = path.join(directory, 'vectors.parquet');
  copyFileSync(path.join(directory, 'tokens.parquet'), file);
  t.regex(
    (await verifyHere(run.directory)).problems,
    /projected\/vectors\/vectors\.parquet: not the recorded bytes/,
  );
  const record = path.join(directory, 'projected.json');
  writeFileSync(record, readFileSync(record, 'utf8').replace('"hidden"', '"token"'));
  t.regex((await verifyHere(run.directory)).problems, /projected\/vectors: .*its seal does not fit its text/);
});

test('the fields of Neuronpedia are the tokens of the largest and smallest logits', async (t) => {
  const run = await vectorRun(t);
  const folder = path.join(path.dirname(run.file), 'site');
  const options = { ...hiddenLike, neuronpedia: folder };
  const { directory } = await projectVectors(run.directory, run.file, options);
  const { features } = JSON.parse(readFileSync(path.join(folder, 'batch-0.json'), 'utf8'));
  t.is(features.length, 37);
  const tokens = await readParquet(path.join(directory, 'tokens.parquet'));
  const logits = tokens.filter(
    (row) => row.vector === 5 && row.measure === 'logit' && (row.place as number) <= 10,
  );
  const { feature_index, pos_str, pos_values, neg_values } = features[5];
  t.is(feature_index, 5);
  const values = (side: string) => logits.filter((row) => row.side === side).map((row) => row.value);
  t.deepEqual(pos_values, values('+'));
  t.deepEqual(neg_values, values('-'));
  t.deepEqual(
    pos_str,
    logits.filter((row) => row.side === '+').map((row) => row.text ?? `<${row.token_id}>`),
  );
  await t.throwsAsync(projectVectors(run.directory, run.file, { ...options, name: 'again' }), {
    message: /something lies there; give --neuronpedia a folder that is empty/,
  });
});

for (const rule of ['rms-one-plus', 'layer'] as const) {
  test(`vectors before the final norm have the same logits on the plain basis as on that of the folded rows: ${rule}`, async (t) => {
    const [rows, d] = [60, 12];
    const { directory: model, gamma, weight } = normedModel(t, { model_type: 'none' }, { rows, hidden: d });
    const scratch = scratchDirectory(t);
    const [plain, folded] = [path.join(scratch, 'plain'), path.join(scratch, 'folded')];
    const shared = { model, report: false, partitionRows: 25 };
    await runHere({ ...shared, out: plain });
    await runHere({ ...shared, out: folded, foldNorm: 'yes', normRule: rule });
    const vectors = randomFloat32(3 * d, 21);
    const file = path.join(scratch, 'u.npy');
    writeFileSync(file, npy('<f4', [3, d], new Uint8Array(vectors.buffer)));
    const residual = { ...hiddenLike, space: 'residual', top: rows } as const;
    const onPlain = await projectVectors(plain, file, { ...residual, normRule: rule });
    const onFolded = await projectVectors(folded, file, residual);
    t.is(onPlain.manifest.norm?.rule, rule);
    const resumed = await projectVectors(plain, file, { ...residual, normRule: rule, resume: true });
    t.false(resumed.isNew);
    t.is(onFolded.manifest.norm, null);
    const [a, b] = await Promise.all(
      [onPlain, onFolded].map(async ({ directory }) => ({
        vectors: await readParquet(path.join(directory, 'vectors.parquet')),
        tokens: await readParquet(path.join(directory, 'tokens.parquet')),
      })),
    );
    for (const [v, row] of a!.vectors.entries()) {
      const u = rowOf(vectors, v, d);
      const mean = rule === 'layer' ? sum(Array.from(u)) / d : 0;
      const through = range(d).map((j) => (u[j]! - mean) * (weight[j]! + (rule === 'rms-one-plus' ? 1 : 0)));
      t.true(near(row.norm, Math.sqrt(dot(through, through)), 1e-6));
      for (const { tokens } of [a!, b!]) {
        const logits = tokens.filter((at) => at.vector === v && at.measure === 'logit' && at.side === '+');
        t.is(logits.length, rows);
        for (const { token_id, value } of logits) {
          const logit = dot(rowOf(gamma, token_id as number, d), through);
          t.true(Math.abs((value as number) - logit) < 1e-5 * Math.sqrt(dot(through, through)));
        }
      }
      t.true(near(row.logit_variance, b!.vectors[v]!.logit_variance as number, 1e-4));
    }
    await t.throwsAsync(projectVectors(plain, file, { ...tokenLike, space: 'residual' }), {
      message:
        /the duals of token-like vectors lie there, too: say --space normed, or project on a run with --fold-norm yes/,
    });
    await t.throwsAsync(projectVectors(folded, file, hiddenLike), {
      message: /the final norm is folded into its rows, .* and say --space residual/,
    });
    if (rule === 'layer')
      await t.throwsAsync(projectVectors(plain, file, { ...residual, name: 'unknown' }), {
        message: /nothing else says what the final norm is: .*--norm-rule/,
      });
  });
}
