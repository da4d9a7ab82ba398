import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { screenText } from '../../src/commands/answer-text.js';
import { comparedText } from '../../src/commands/compare-text.js';
import { EigenshardError, InputError } from '../../src/errors.js';
import { readComparison } from '../../src/output/comparison-folder.js';
import { problemsOfFolder } from '../../src/output/folder-kinds.js';
import { madeDifferently, namesOf } from '../../src/report/comparison/made-with.js';
import { type ComparedRuns, compareRuns } from '../../src/run/compare-runs.js';
import { answer } from '../helpers/answers.js';
import {
  asBfloat16,
  bfloat16Bits,
  type ComparedModel,
  comparedRun,
  compareHere,
  readRows,
} from '../helpers/compared-runs.js';
import { columnsOf, describedColumns } from '../helpers/described-columns.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { near } from '../helpers/near.js';
import {
  canonicalCorrelations,
  centredRows,
  crossOf,
  type PlainMatrix,
  singularValuesOf,
  squaresOf,
} from '../helpers/plain-matrices.js';
import { randomFloat32, randomOrthogonal } from '../helpers/random.js';
import { readBasis } from '../helpers/runs.js';
import { range, sum } from '../helpers/sums.js';

const [ROWS, HIDDEN] = [700, 12];

const traceOf = (matrix: PlainMatrix) => sum(matrix.map((row, j) => row[j]!));

/** Rows whose variances differ by far, of which some are equal and one is zero. */
function sampleRows(): Float32Array {
  const gamma = randomFloat32(ROWS * HIDDEN, 21);
  for (let k = 0; k < gamma.length; k++) gamma[k] = gamma[k]! * 0.7 ** (k % HIDDEN) + 0.2;
  for (let i = 300; i < 310; i++) gamma.copyWithin(i * HIDDEN, 299 * HIDDEN, 300 * HIDDEN);
  gamma.fill(0, 7 * HIDDEN, 8 * HIDDEN);
  return asBfloat16(gamma);
}

const A: ComparedModel = { gamma: sampleRows(), rows: ROWS, hidden: HIDDEN, dtype: 'BF16' };

/** The rows of A, of which three quarters have moved by a common way and noise, and the others not. */
function movedRows(): Float32Array {
  const noise = randomFloat32(ROWS * HIDDEN, 22);
  return asBfloat16(
    A.gamma.map((value, k) => (Math.floor(k / HIDDEN) % 4 === 0 ? value : value + 0.02 * noise[k]! + 0.01)),
  );
}

/** Runs that the tests share: made once, in a folder that goes with the process. */
let shared: Promise<{ folder: string; a: string; moved: string; compared: ComparedRuns }> | undefined;
const folders: string[] = [];

/** How both are compared. */
const sampling = { sample: 40, k: 9, seed: 5 };

async function sharedRuns(t: ExecutionContext) {
  shared ??= (async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'eigenshard-test-'));
    folders.push(folder);
    const a = await comparedRun(folder, 'a', A);
    const moved = await comparedRun(folder, 'moved', { ...A, gamma: movedRows() });
    const compared = await compareHere(a, moved, path.join(folder, 'compared'), sampling);
    return { folder, a, moved, compared };
  })();
  return { ...(await shared), scratch: scratchDirectory(t) };
}

test.after.always(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test('a run compared with itself has moved by exactly nothing, and is exactly like itself', async (t) => {
  const { a, scratch } = await sharedRuns(t);
  const { directory, comparison } = await compareHere(a, a, path.join(scratch, 'same'), { sample: 50 });
  const { displacement, steps, linearCka, causalCka, procrustes, flow, subspaces, neighbours } =
    comparison.figures;
  t.like(displacement, { moved: 0, meanSquare: 0, causalMeanSquare: 0 });
  t.is(displacement!.causalNorm.maximum, 0);
  t.like(steps, { frozen: ROWS, neighbour: 0, further: 0, most: 0 });
  t.deepEqual([linearCka!.value, causalCka!.value], [1, 1]);
  t.deepEqual(procrustes, { residual: 0, scale: 1, rotationTrace: 1 });
  t.like(flow, { minimum: 1, median: 1, maximum: 1 });
  t.true(subspaces!.every((band) => band.meanSquaredCosine === 1 && band.largestAngle === 0));
  t.is(neighbours!.kept, 1);
  t.deepEqual(comparison.unknown, { coherence: 'no row has moved' });
  const rows = await readRows(directory, 'displacement.parquet');
  t.true(
    rows.every((row) => row.displacement === 0 && row.causal_displacement === 0 && row.mean_share === null),
  );
  t.true(rows.every((row) => row.cosine === (row.token_id === 7 ? null : 1)));
  for (const band of await readRows(directory, 'bands.parquet'))
    if (band.kind === 'map')
      for (const k of range(HIDDEN)) t.is(band[`map_${k + 1}`], k === band.first_index ? 1 : 0);
});

test('displacements, coherence and steps are what their definitions say', async (t) => {
  const { a, compared } = await sharedRuns(t);
  const { directory, comparison } = compared;
  t.true(comparison.checks.every(({ verdict }) => verdict === 'passed'));
  const { eigenvalues, eigenvectors } = await readBasis(a, HIDDEN);
  const b = movedRows();
  const deltas = range(ROWS).map((i) =>
    range(HIDDEN).map((j) => b[i * HIDDEN + j]! - A.gamma[i * HIDDEN + j]!),
  );
  const mean = range(HIDDEN).map((j) => sum(range(ROWS).map((i) => A.gamma[i * HIDDEN + j]!)) / ROWS);
  const norm = (vector: readonly number[]) => Math.sqrt(sum(vector.map((value) => value * value)));
  const along = (vector: readonly number[], j: number) =>
    sum(vector.map((value, i) => value * eigenvectors[i * HIDDEN + j]!));
  const causal = (vector: readonly number[]) =>
    Math.sqrt(sum(range(HIDDEN).map((j) => eigenvalues[j]! * along(vector, j) ** 2)));
  const [bitsA, bitsB] = [bfloat16Bits(A.gamma), bfloat16Bits(b)];
  const order = (bits: number) => (bits < 0x8000 ? bits : 0x8000 - bits);
  const rows = await readRows(directory, 'displacement.parquet');
  t.is(rows.length, ROWS);
  const allSteps: number[][] = [];
  for (const [i, row] of rows.entries()) {
    const delta = deltas[i]!;
    t.deepEqual([row.token_id, row.token_id_b, row.text], [i, i, null]);
    t.true(near(row.displacement, norm(delta)));
    t.true(near(row.causal_displacement, causal(delta)));
    const steps = range(HIDDEN).map((j) =>
      Math.abs(order(bitsB[i * HIDDEN + j]!) - order(bitsA[i * HIDDEN + j]!)),
    );
    allSteps.push(steps);
    t.deepEqual([row.bf16_steps, row.bf16_most_steps], [sum(steps), Math.max(...steps)]);
    const shares = range(8).map((band) => row[`band_${band + 1}_share`] as number);
    if (norm(delta) === 0) t.true(row.mean_share === null && shares.every((share) => share === null));
    else {
      const share = sum(delta.map((value, j) => value * mean[j]!)) / norm(delta) / norm(mean);
      t.true(near(row.mean_share, share * share));
      t.true(near(sum(shares), 1));
      t.true(near(shares[0], along(delta, 0) ** 2 / sum(delta.map((value) => value * value)), 1e-6));
    }
    t.true(near(row.causal_norm_b, (rows[i]!.causal_norm_b as number) || 0));
    t.true(near(row.causal_norm_a, causal(range(HIDDEN).map((j) => A.gamma[i * HIDDEN + j]!)), 1e-9));
  }
  const { displacement, coherence, steps } = comparison.figures;
  const movers = deltas.filter((delta) => norm(delta) > 0);
  t.is(displacement!.moved, movers.length);
  t.true(near(displacement!.causalMeanSquare, sum(deltas.map((delta) => causal(delta) ** 2)) / ROWS));
  const units = range(HIDDEN).map((j) => sum(movers.map((delta) => delta[j]! / norm(delta))));
  t.true(near(coherence!.length, norm(units) / movers.length));
  const cosines = movers.flatMap((one, i) =>
    movers
      .slice(0, i)
      .map((other) => sum(one.map((value, j) => value * other[j]!)) / norm(one) / norm(other)),
  );
  t.true(near(coherence!.meanCosine, sum(cosines) / cosines.length));
  const most = allSteps.map((all) => Math.max(...all));
  t.deepEqual(
    [steps!.frozen, steps!.neighbour, steps!.most],
    [
      most.filter((value) => value === 0).length,
      most.filter((value) => value === 1).length,
      Math.max(...most),
    ],
  );
});

test('similarities, the flow, the map and subspaces are what their definitions say', async (t) => {
  const { a, moved, compared } = await sharedRuns(t);
  const { directory, comparison } = compared;
  const [rowsA, rowsB] = [centredRows(A.gamma, HIDDEN), centredRows(movedRows(), HIDDEN)];
  const [ca, cb, x] = [crossOf(rowsA, rowsA), crossOf(rowsB, rowsB), crossOf(rowsA, rowsB)];
  const { linearCka, causalCka, procrustes, subspaces } = comparison.figures;
  t.true(near(linearCka!.value, squaresOf(x) / Math.sqrt(squaresOf(ca) * squaresOf(cb)), 1e-12));
  t.true(near(causalCka!.value, sum(canonicalCorrelations(rowsA, rowsB)) / HIDDEN));
  t.deepEqual(causalCka!.ranks, { a: HIDDEN, b: HIDDEN });
  t.true(near(causalCka!.expected, HIDDEN / (ROWS - 1)));
  // Of d^2 = 144 nearly independent squares: standard deviation some sqrt(2) / d of the mean.
  for (const { shuffled, expected } of [causalCka!, linearCka!])
    t.true(shuffled > 0.2 * expected && shuffled < 3 * expected, `${shuffled}, ${expected}`);
  const nuclear = sum(singularValuesOf(x));
  t.true(near(procrustes!.residual, 1 - nuclear ** 2 / (traceOf(ca) * traceOf(cb)), 1e-8));
  t.true(near(procrustes!.scale, nuclear / traceOf(ca), 1e-8));

  const [one, other] = [await readBasis(a, HIDDEN), await readBasis(moved, HIDDEN)];
  const column = ({ eigenvectors }: typeof one, j: number) =>
    range(HIDDEN).map((i) => eigenvectors[i * HIDDEN + j]!);
  const form = (matrix: PlainMatrix, v: readonly number[]) =>
    sum(matrix.map((row, i) => v[i]! * sum(row.map((value, j) => value * v[j]!))));
  const overlap = range(HIDDEN).map((j) =>
    range(HIDDEN).map((k) => sum(column(one, j).map((value, i) => value * column(other, k)[i]!))),
  );
  const bands = await readRows(directory, 'bands.parquet');
  const indices = bands.filter(({ kind }) => kind === 'index');
  const map = bands.filter(({ kind }) => kind === 'map');
  t.deepEqual([indices.length, map.length], [HIDDEN, HIDDEN]);
  for (const j of range(HIDDEN)) {
    const [of, to] = [form(ca, column(one, j)), form(cb, column(one, j))];
    t.true(near(indices[j]!.variance_a, of) && near(indices[j]!.flow, to / of));
    const shares = range(HIDDEN).map((k) => map[j]![`map_${k + 1}`] as number);
    t.true(shares.every((share, k) => near(share, overlap[j]![k]! ** 2)));
    t.true(near(sum(shares), 1, 1e-6));
  }
  t.true(near(sum(indices.map(({ displacement_share: share }) => share as number)), 1));
  for (const { kind, first, count, meanSquaredCosine, largestAngle } of subspaces!) {
    const block = range(count).map((j) => range(count).map((k) => overlap[first + j]![first + k]!));
    t.is(first, kind === 'first' ? 0 : HIDDEN - count);
    t.true(near(meanSquaredCosine, squaresOf(block) / count, 1e-6));
    const least = singularValuesOf(block).at(-1)!;
    t.true(near(Math.cos((largestAngle * Math.PI) / 180), least, 1e-6));
  }
});

test('the neighbours kept are those of a search through all rows', async (t) => {
  const { a, moved, compared } = await sharedRuns(t);
  const { k } = sampling;
  const { directory, comparison } = compared;
  const nearest = async (run: string, gamma: Float32Array) => {
    const { eigenvalues, eigenvectors } = await readBasis(run, HIDDEN);
    const z = centredRows(gamma, HIDDEN).map((row) =>
      range(HIDDEN).map(
        (j) => Math.sqrt(eigenvalues[j]!) * sum(row.map((value, i) => value * eigenvectors[i * HIDDEN + j]!)),
      ),
    );
    const norms = z.map((row) => Math.sqrt(sum(row.map((value) => value * value))));
    return (query: number) => {
      const cosine = (i: number) =>
        sum(z[i]!.map((value, j) => value * z[query]![j]!)) / norms[i]! / norms[query]!;
      const keys = z.map((_, i) => cosine(i));
      return range(ROWS)
        .filter((i) => i !== query)
        .sort((i, j) => (Math.abs(keys[j]! - keys[i]!) < 1e-6 ? i - j : keys[j]! - keys[i]!))
        .slice(0, k);
    };
  };
  const [inA, inB] = [await nearest(a, A.gamma), await nearest(moved, movedRows())];
  const sampled = (await readRows(directory, 'displacement.parquet')).filter(
    ({ neighbours_kept: kept }) => kept !== null,
  );
  t.is(sampled.length, 40);
  for (const { token_id: query, neighbours_kept: kept } of sampled) {
    const others = new Set(inB(query as number));
    const expected = inA(query as number).filter((row) => others.has(row)).length / k;
    t.true(near(kept, expected), `${query}: ${kept}, ${expected}`);
  }
  t.like(comparison.figures.neighbours, { sample: 40, k, chance: k / (ROWS - 1) });
  t.true(
    near(comparison.figures.neighbours!.kept, sum(sampled.map((row) => row.neighbours_kept as number)) / 40),
  );
});

test('of rows in other coordinates, and of noise alone, the figures are what theory says', async (t) => {
  const { a, scratch } = await sharedRuns(t);
  const rotation = randomOrthogonal(HIDDEN, 31);
  const rotated = Float32Array.from({ length: ROWS * HIDDEN }, (_, k) =>
    sum(
      range(HIDDEN).map(
        (j) => A.gamma[Math.floor(k / HIDDEN) * HIDDEN + j]! * rotation[j * HIDDEN + (k % HIDDEN)]!,
      ),
    ),
  );
  const b = await comparedRun(scratch, 'rotated', { gamma: rotated, rows: ROWS, hidden: HIDDEN });
  const turned = (await compareHere(a, b, path.join(scratch, 'turned'), { sample: 100, k: 5 })).comparison;
  const { linearCka, causalCka, procrustes, neighbours, displacement } = turned.figures;
  for (const { value } of [linearCka!, causalCka!]) t.true(value <= 1 && near(value, 1, 1e-6), String(value));
  t.true(procrustes!.residual < 1e-7);
  t.true(
    near(procrustes!.rotationTrace!, sum(range(HIDDEN).map((j) => rotation[j * HIDDEN + j]!)) / HIDDEN, 1e-4),
  );
  // A rotation is rounded to float32, and eleven rows are equal but for that.
  t.true(neighbours!.kept > 0.95, String(neighbours!.kept));
  t.true(displacement!.moved >= ROWS - 1);
  t.is(turned.figures.steps, null);
  t.regex(turned.unknown.steps!, /stored as bfloat16 and float32/);

  const noise = randomFloat32(ROWS * HIDDEN, 32);
  const c = await comparedRun(scratch, 'noise', { gamma: noise, rows: ROWS, hidden: HIDDEN });
  const unrelated = (await compareHere(a, c, path.join(scratch, 'unrelated'), { sample: 100, k: 5 }))
    .comparison;
  const { causalCka: causal, neighbours: kept } = unrelated.figures;
  t.true(causal!.value < 3 * causal!.expected);
  t.true(kept!.kept < 0.05);
});

test('rows whose columns have changed places and signs keep all neighbours', async (t) => {
  const { scratch } = await sharedRuns(t);
  const [rows, d] = [120, 6];
  // All but few rows lie so near each other that float32 cannot tell their cosines apart.
  const noise = randomFloat32(rows * d, 51);
  const gamma = noise.map((value, k) => (k < 40 * d ? value : (k % d) + 1 + value * 2 ** -12));
  gamma.copyWithin(70 * d, 60 * d, 61 * d);
  const turned = gamma.map((_, k) => {
    const [first, j] = [k - (k % d), k % d];
    return (j % 2 === 0 ? -1 : 1) * gamma[first + ((5 * j + 2) % d)]!;
  });
  const a = await comparedRun(scratch, 'a', { gamma, rows, hidden: d });
  const b = await comparedRun(scratch, 'b', { gamma: turned, rows, hidden: d });
  const { comparison } = await compareHere(a, b, path.join(scratch, 'out'), { k: 10 });
  t.is(comparison.figures.neighbours!.kept, 1);
});

test('a comparison says what two runs of one model were made with that differs', async (t) => {
  const { scratch } = await sharedRuns(t);
  const model = { gamma: randomFloat32(60, 61), rows: 12, hidden: 5 };
  const a = await comparedRun(scratch, 'a', model);
  const b = await comparedRun(scratch, 'b', { ...model, hasMetric: true });
  const { directory, comparison } = await compareHere(a, b, path.join(scratch, 'out'), { k: 1000 });
  t.is(comparison.options.k, 11);
  const { a: one, b: other } = readComparison(directory);
  t.like(one, { metric: 'computed', secondMoment: 'centred', weights: null });
  t.deepEqual(
    madeDifferently(one, other).map(([name]) => name),
    ['Made with another metric', 'Made with another ridge', 'Made with another second moment'],
  );
  t.deepEqual(madeDifferently(one, one), []);
  t.deepEqual(namesOf({ ...one, model: 'm' }, { ...other, model: 'm' }), { a: 'm (a)', b: 'm (b)' });
  t.regex(readFileSync(path.join(directory, 'compare.html'), 'utf8'), /Made with another ridge/);
});

test('tokens of vocabularies that differ are matched by text, and all others listed', async (t) => {
  const { scratch } = await sharedRuns(t);
  const [rows, d] = [40, 5];
  const gamma = randomFloat32(rows * d, 41);
  const texts = range(rows).map((id) => `word ${id}`);
  const a = await comparedRun(scratch, 'a', { gamma, rows, hidden: d, texts });
  // The last ones first, three of them unknown to the first run.
  const ids = range(rows - 5).map((id) => rows - 1 - id);
  const others = Float32Array.from(ids.flatMap((id) => [...gamma.subarray(id * d, (id + 1) * d)]));
  const b = await comparedRun(scratch, 'b', {
    gamma: others,
    rows: ids.length,
    hidden: d,
    texts: ids.map((id, k) => (k < 3 ? `other ${id}` : texts[id]!)),
  });
  const { directory, comparison } = await compareHere(a, b, path.join(scratch, 'out'), { k: 4 });
  t.deepEqual(comparison.tokens, { by: 'text', shared: 32, onlyA: 8, onlyB: 3, ambiguous: 0 });
  t.is(comparison.figures.displacement!.moved, 0);
  t.is(comparison.figures.causalCka!.value, 1);
  // Each run has a metric of its own, over its own vocabulary.
  t.true(comparison.figures.neighbours!.kept > 0.8);
  const found = await readRows(directory, 'displacement.parquet');
  t.is(found.length, rows + 3);
  for (const [k, row] of found.entries()) {
    const partner = ids.indexOf(k);
    const isShared = k < rows && partner >= 3;
    t.deepEqual(
      [row.token_id, row.token_id_b, row.text, row.displacement],
      k < rows
        ? [k, isShared ? partner : null, texts[k]!, isShared ? 0 : null]
        : [null, k - rows, `other ${ids[k - rows]}`, null],
    );
  }
  const byId = await compareHere(a, b, path.join(scratch, 'by-id'), { align: 'id', sample: 1, k: 1 });
  t.like(byId.comparison.tokens, { by: 'id', shared: 35, onlyA: 5, onlyB: 0 });
  t.true(byId.comparison.figures.displacement!.moved > 30);
});

test('of other hidden sizes what can be computed is, and all else says why not', async (t) => {
  const { a, scratch } = await sharedRuns(t);
  const d = 5;
  const gamma = Float32Array.from(
    { length: ROWS * d },
    (_, k) => A.gamma[Math.floor(k / d) * HIDDEN + (k % d)]!,
  );
  const b = await comparedRun(scratch, 'narrow', { gamma, rows: ROWS, hidden: d });
  const { directory, comparison } = await compareHere(a, b, path.join(scratch, 'out'), { sample: 10 });
  const { figures, unknown } = comparison;
  const known = Object.entries(figures).flatMap(([name, figure]) => (figure === null ? [] : [name]));
  t.deepEqual(known, ['linearCka', 'causalCka', 'procrustes', 'neighbours']);
  t.deepEqual(Object.keys(unknown).sort(), ['coherence', 'displacement', 'flow', 'steps', 'subspaces']);
  t.true(Object.values(unknown).every((reason) => reason.startsWith('the hidden sizes are 12 and 5')));
  const [rowsA, rowsB] = [centredRows(A.gamma, HIDDEN), centredRows(gamma, d)];
  t.true(near(figures.causalCka!.value, sum(canonicalCorrelations(rowsA, rowsB)) / Math.sqrt(HIDDEN * d)));
  t.is(figures.procrustes!.rotationTrace, null);
  const [row] = await readRows(directory, 'displacement.parquet');
  t.deepEqual([row!.displacement, typeof row!.norm_a, typeof row!.norm_b], [null, 'number', 'number']);
  const bands = await readRows(directory, 'bands.parquet');
  t.true(bands.every((band) => band.variance_b === null && band.map_1 === null && band.variance_a !== null));
});

for (const [what, model] of [
  ['one row', { gamma: Float32Array.of(1, 2, 3), rows: 1, hidden: 3, hasMetric: true }],
  ['one coordinate', { gamma: Float32Array.of(1, 2, 3, 5), rows: 4, hidden: 1 }],
  [
    'equal rows',
    { gamma: Float32Array.of(0.1, 0.7, 0.1, 0.7, 0.1, 0.7), rows: 3, hidden: 2, hasMetric: true },
  ],
] as const)
  test(`nothing but numbers and reasons comes of ${what}`, async (t) => {
    const scratch = scratchDirectory(t);
    const a = await comparedRun(scratch, 'a', model);
    const raised = model.gamma.map((value, k) => value + (k < model.hidden ? 0.5 : 0));
    const b = await comparedRun(scratch, 'b', { ...model, gamma: raised });
    for (const other of [a, b]) {
      const out = path.join(scratch, `to-${path.basename(other)}`);
      const { directory, comparison } = await compareHere(a, other, out);
      const { figures, unknown } = readComparison(directory);
      t.deepEqual(comparison.figures, figures);
      for (const [figure, value] of Object.entries(figures)) t.is(value === null, figure in unknown, figure);
      for (const table of ['displacement.parquet', 'bands.parquet'])
        for (const row of await readRows(directory, table))
          t.true(Object.values(row).every((value) => typeof value !== 'number' || Number.isFinite(value)));
    }
  });

test('a comparison has the same bytes with one and with two workers, and the runs keep theirs', async (t) => {
  const { a, moved, compared, scratch } = await sharedRuns(t);
  const before = readFileSync(path.join(a, 'manifest.json'));
  const two = await compareRuns(a, moved, { out: path.join(scratch, 'out'), ...sampling, workers: 2 });
  const folders = [compared.directory, two.directory];
  for (const name of ['displacement.parquet', 'bands.parquet', 'compare.html']) {
    const [one, other] = folders.map((folder) => readFileSync(path.join(folder, name)));
    t.true(one!.equals(other!), name);
  }
  t.true(readFileSync(path.join(a, 'manifest.json')).equals(before));
  t.deepEqual(readdirSync(folders[0]!).sort(), [
    ...['bands.parquet', 'compare.html', 'comparison.json', 'displacement.parquet'],
  ]);
  t.deepEqual(readdirSync(scratch), ['out']);
  t.deepEqual(await problemsOfFolder('comparison', folders[0]!), []);
});

test('inspect shows again what a comparison has found', async (t) => {
  const { compared } = await sharedRuns(t);
  const { directory, comparison } = compared;
  t.like(await answer('inspect', directory), {
    code: 0,
    stdout: `${screenText(comparedText(compared))}\n`,
    stderr: '',
  });
  const { stdout } = await answer('inspect', directory, '--json');
  t.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(comparison)));
});

test('the tables of a comparison are asked with SQL, by the names of their files', async (t) => {
  const { a, compared, scratch } = await sharedRuns(t);
  const query =
    'SELECT (SELECT count(*) FROM displacement) AS tokens, (SELECT count(*) FROM bands) > 0 AS bands';
  const { stdout, stderr } = await answer('sql', compared.directory, query, '--json');
  t.deepEqual(JSON.parse(stdout), [{ tokens: ROWS, bands: true }], stderr);
  const { directory } = await compareHere(a, a, path.join(scratch, 'out'), { sample: 1 });
  rmSync(path.join(directory, 'bands.parquet'));
  appendFileSync(path.join(directory, 'displacement.parquet'), 'x');
  const missing = await answer('sql', directory, 'SELECT * FROM bands');
  t.regex(missing.stderr, /bands: \S+bands\.parquet is missing; compare the runs again/);
  const damaged = await answer('sql', directory, 'SELECT * FROM displacement');
  t.is(damaged.code, 2);
  t.regex(
    damaged.stderr,
    /displacement\.parquet: is not as the run wrote it: .*\. Make it again: compare the runs again/,
  );
});

test('a record or a file that has changed is noticed', async (t) => {
  const { a, scratch } = await sharedRuns(t);
  const { directory } = await compareHere(a, a, path.join(scratch, 'out'), { sample: 1 });
  appendFileSync(path.join(directory, 'bands.parquet'), 'x');
  t.deepEqual(await problemsOfFolder('comparison', directory), [
    `${path.join(directory, 'bands.parquet')}: not the recorded bytes`,
  ]);
  const file = path.join(directory, 'comparison.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"residual": 0', '"residual": 1'));
  t.throws(() => readComparison(directory), { message: /its seal does not fit/ });
});

test('a folder that is there is kept, and a comparison is replaced where that is asked for', async (t) => {
  const { a, moved, scratch } = await sharedRuns(t);
  const out = path.join(scratch, 'out');
  await compareHere(a, a, out, { sample: 1 });
  await t.throwsAsync(compareHere(a, moved, out), {
    instanceOf: InputError,
    message: /is there already.*--out/,
  });
  await compareHere(a, moved, out, { sample: 1, overwrite: true });
  t.is(readComparison(out).b.directory, moved);
  writeFileSync(path.join(out, 'notes.txt'), 'mine');
  await t.throwsAsync(compareHere(a, a, out, { overwrite: true }), {
    message: /holds notes.txt, which is not of a comparison/,
  });
  t.true(existsSync(path.join(out, 'notes.txt')));
  t.deepEqual(readdirSync(scratch), ['out']);
});

test('what cannot be compared is refused before anything is written', async (t) => {
  const { a, moved, folder, scratch } = await sharedRuns(t);
  const out = path.join(scratch, 'out');
  const refused = async (options: Parameters<typeof compareRuns>[2], expected: RegExp) =>
    t.regex(
      (await t.throwsAsync(compareRuns(a, moved, options), { instanceOf: EigenshardError }))!.message,
      expected,
    );
  await refused({ out: path.join(a, 'comparison') }, /is a run's own. Give an --out beside it/);
  await refused({ out, k: 0 }, /k/);
  await refused(
    { out, modelB: path.join(folder, 'a-model') },
    /is not what this run was made from.*--model-b/,
  );
  await refused({ out, align: 'text' }, /there is no tokenizer beside its checkpoint/);
  await t.throwsAsync(compareHere(a, scratch, out), { instanceOf: InputError });
  t.deepEqual(readdirSync(scratch), []);

  const gone = path.join(scratch, 'gone');
  mkdirSync(gone);
  const lost = await comparedRun(gone, 'lost', A);
  renameSync(path.join(gone, 'lost-model'), path.join(gone, 'elsewhere'));
  await t.throwsAsync(compareHere(a, lost, out), { instanceOf: InputError, message: /give --model-b/ });
  const wrong = compareHere(a, lost, out, { modelB: path.join(gone, 'nowhere') });
  await t.throwsAsync(wrong, { instanceOf: InputError, message: /^--model-b, the checkpoint of .*lost: / });
  const { comparison } = await compareHere(a, lost, out, { modelB: path.join(gone, 'elsewhere'), sample: 1 });
  t.is(comparison.figures.displacement!.moved, 0);
});

test('a comparison that is stopped leaves nothing behind', async (t) => {
  const { a, moved, scratch } = await sharedRuns(t);
  const stop = new AbortController();
  await t.throwsAsync(
    compareHere(a, moved, path.join(scratch, 'out'), {
      signal: stop.signal,
      onProgress: (told) => {
        if (told.event === 'begun' && told.stage.name === 'displacements') stop.abort();
      },
    }),
    { message: /interrupted/ },
  );
  t.deepEqual(readdirSync(scratch), []);
});

test('docs/comparisons.md describes the columns of both tables, their types, and no others', async (t) => {
  const { compared } = await sharedRuns(t);
  for (const table of ['displacement', 'bands']) {
    const described = Object.entries(describedColumns('docs/comparisons.md', table));
    // With fewer than 64 directions the map has a band for each.
    const here = described.filter(([name]) => !(Number(/^map_(\d+)$/.exec(name)?.[1]) > HIDDEN));
    t.deepEqual(Object.fromEntries(here), await columnsOf(path.join(compared.directory, `${table}.parquet`)));
  }
});
