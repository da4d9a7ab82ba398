import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { writeBatchSummary } from '../../src/batch/batch-summary.js';
import type { Outcome } from '../../src/batch/outcome.js';
import { seriesRuns } from '../../src/batch/series-runs.js';
import { screenText } from '../../src/commands/answer-text.js';
import { seriesText } from '../../src/commands/series-text.js';
import { EigenshardError, InputError } from '../../src/errors.js';
import { linearCka } from '../../src/linalg/similarity/cka.js';
import { problemsOfFolder } from '../../src/output/folder-kinds.js';
import { readManifest } from '../../src/output/manifest.js';
import { readSeries } from '../../src/output/series-folder.js';
import { type ComparedSeries, compareSeries } from '../../src/run/compare-series.js';
import { expectedLinearCka } from '../../src/run/comparison-figures.js';
import { answer } from '../helpers/answers.js';
import {
  asBfloat16,
  bfloat16Bits,
  type ComparedModel,
  comparedRun,
  readRows,
} from '../helpers/compared-runs.js';
import { columnsOf, describedColumns } from '../helpers/described-columns.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { near } from '../helpers/near.js';
import { centredRows, crossOf, squaresOf } from '../helpers/plain-matrices.js';
import { randomFloat32 } from '../helpers/random.js';
import { readBasis } from '../helpers/runs.js';
import { range, sum } from '../helpers/sums.js';

const [ROWS, HIDDEN] = [60, 5];
const COUNT = ROWS * HIDDEN;

const mean = (terms: ArrayLike<number>) => sum(terms) / terms.length;
const norm = (vector: readonly number[]) => Math.sqrt(sum(vector.map((value) => value * value)));

/** Rows of four steps: the third are those of the second, and row 0 never moves. */
const STEPS = (() => {
  const begin = asBfloat16(randomFloat32(COUNT, 31).map((value, k) => value * 0.7 ** (k % HIDDEN) + 0.2));
  const moved = (from: Float32Array, size: number, seed: number) => {
    const noise = randomFloat32(COUNT, seed);
    return asBfloat16(from.map((value, k) => (k < HIDDEN ? value : value + size * (noise[k]! + 0.5))));
  };
  const second = moved(begin, 0.02, 32);
  return [begin, second, second, moved(second, 0.3, 33)];
})();

const texts = range(ROWS).map((id) => ` w${id}`);
const model = (gamma: Float32Array): ComparedModel => ({
  gamma,
  rows: ROWS,
  hidden: HIDDEN,
  dtype: 'BF16',
  texts,
});

interface Shared {
  runs: string[];
  compared: ComparedSeries;
}

/** Runs that the tests share: made once, in a folder that goes with the process. */
let shared: Promise<Shared> | undefined;
const folders: string[] = [];

async function sharedSeries(t: ExecutionContext): Promise<Shared & { scratch: string }> {
  shared ??= (async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'eigenshard-test-'));
    folders.push(folder);
    const runs: string[] = [];
    for (const [step, gamma] of STEPS.entries())
      runs.push(await comparedRun(folder, `step-${step}`, model(gamma)));
    return { runs, compared: await compareSeries(runs, { out: path.join(folder, 'series'), workers: 1 }) };
  })();
  return { ...(await shared), scratch: scratchDirectory(t) };
}

test.after.always(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** What should be found of a way between two steps. */
async function expectedWay(runs: readonly string[], from: number, to: number) {
  const [a, b] = [STEPS[from]!, STEPS[to]!];
  const { eigenvalues, eigenvectors } = await readBasis(runs[from]!, HIDDEN);
  const deltas = range(ROWS).map((i) => range(HIDDEN).map((j) => b[i * HIDDEN + j]! - a[i * HIDDEN + j]!));
  const along = (vector: readonly number[], j: number) =>
    sum(vector.map((value, i) => value * eigenvectors[i * HIDDEN + j]!));
  const norms = deltas.map(norm);
  const causal = deltas.map((delta) =>
    Math.sqrt(sum(range(HIDDEN).map((j) => eigenvalues[j]! * along(delta, j) ** 2))),
  );
  const units = deltas.filter((delta) => norm(delta) > 0).map((delta) => delta.map((x) => x / norm(delta)));
  const cosines = units.flatMap((one, i) =>
    units.slice(0, i).map((other) => sum(one.map((value, j) => value * other[j]!))),
  );
  const order = (bits: number) => (bits < 0x8000 ? bits : 0x8000 - bits);
  const [bitsA, bitsB] = [bfloat16Bits(a), bfloat16Bits(b)];
  const steps = range(ROWS).map((i) =>
    range(HIDDEN).map((j) => Math.abs(order(bitsB[i * HIDDEN + j]!) - order(bitsA[i * HIDDEN + j]!))),
  );
  const most = steps.map((all) => Math.max(...all));
  const [rowsA, rowsB] = [centredRows(a, HIDDEN), centredRows(b, HIDDEN)];
  const [ca, cb, x] = [crossOf(rowsA, rowsA), crossOf(rowsB, rowsB), crossOf(rowsA, rowsB)];
  const trace = (c: number[][]) => sum(c.map((row, j) => row[j]!));
  const size = Math.sqrt(squaresOf(ca) * squaresOf(cb));
  const figures: Record<string, number> = {
    moved: units.length,
    displacement_mean: mean(norms),
    causal_displacement_mean: mean(causal),
    coherence: norm(range(HIDDEN).map((j) => sum(units.map((unit) => unit[j]!)))) / units.length,
    mean_cosine: mean(cosines),
    linear_cka: squaresOf(x) / size,
    linear_cka_expected: (trace(ca) * trace(cb)) / size / (ROWS - 1),
    bf16_frozen: most.filter((value) => value === 0).length,
    bf16_neighbour: most.filter((value) => value === 1).length,
    bf16_further: most.filter((value) => value > 1).length,
    bf16_steps_mean: mean(steps.map(sum)),
  };
  return { figures, norms, causal };
}

test('every figure of a step is what its definition says, from the step before and from the first', async (t) => {
  const { runs, compared } = await sharedSeries(t);
  const { directory, series } = compared;
  t.true(series.checks.length === 3 && series.checks.every(({ verdict }) => verdict === 'passed'));
  t.true(series.checks.every(({ detail }) => /^at step \d, from/.test(detail!)));
  const rows = await readRows(directory, 'series.parquet');
  const tokens = await readRows(directory, 'tokens.parquet');
  t.is(tokens.length, STEPS.length * ROWS);
  t.deepEqual(
    rows.map(({ step, run, model: name }) => [step, run, name]),
    runs.map((run, step) => [step, run, `step-${step}-model`]),
  );
  for (const [step, row] of rows.entries()) {
    const { eigenvalues } = await readBasis(runs[step]!, HIDDEN);
    const squares = sum(eigenvalues.map((lambda) => lambda * lambda));
    t.true(near(row.lambda_minimum, eigenvalues[0]!) && near(row.lambda_maximum, eigenvalues[HIDDEN - 1]!));
    t.true(near(row.lambda_median, eigenvalues[2]!));
    t.true(near(row.lambda_participation_ratio, sum(eigenvalues) ** 2 / squares));
    const norms = range(ROWS).map((i) => norm([...STEPS[step]!.subarray(i * HIDDEN, (i + 1) * HIDDEN)]));
    t.true(near(row.norm_mean, mean(norms)));
    const variance = mean(norms.map((value) => (value - mean(norms)) ** 2));
    t.true(near(row.norm_standard_deviation, Math.sqrt(variance)));
    for (const [start, from] of [
      ['before', step - 1],
      ['first', 0],
    ] as const) {
      const isKnown = from >= 0;
      const { figures, norms: moved, causal } = await expectedWay(runs, Math.max(0, from), step);
      for (const [name, value] of Object.entries(figures)) {
        const found = row[`${name}_${start}`];
        if (!isKnown || Number.isNaN(value)) t.is(found, null, `${name}_${start} of ${step}`);
        else t.true(near(found, value), `${name}_${start} of ${step}: ${found}, not ${value}`);
      }
      for (const id of range(ROWS)) {
        const token = tokens[step * ROWS + id]!;
        t.deepEqual([token.step, token.token_id], [step, id]);
        t.true(near(token.norm, norms[id]!));
        if (isKnown)
          t.true(
            near(token[`displacement_${start}`], moved[id]!) &&
              near(token[`causal_displacement_${start}`], causal[id]!),
          );
        else t.is(token.displacement_before ?? token.causal_displacement_before, null);
      }
    }
  }
});

test('a step that equals the one before has moved by exactly nothing, and is exactly like it', async (t) => {
  const { compared } = await sharedSeries(t);
  const rows = await readRows(compared.directory, 'series.parquet');
  for (const [step, start] of [
    [2, 'before'],
    [0, 'first'],
  ] as const)
    for (const [name, value] of [
      ...(['moved', 'displacement_mean', 'causal_displacement_mean', 'bf16_steps_mean'] as const).map(
        (figure) => [figure, 0] as const,
      ),
      ['bf16_frozen', ROWS],
      ['linear_cka', 1],
      ['coherence', null],
    ] as const)
      t.is(rows[step]![`${name}_${start}`], value, name);
  const tokens = await readRows(compared.directory, 'tokens.parquet');
  for (const token of tokens.filter(({ step }) => step === 2))
    t.deepEqual([token.displacement_before, token.causal_displacement_before], [0, 0]);
  // From the first both are as far, to the last bit.
  for (const name of ['displacement_mean_first', 'causal_displacement_mean_first', 'linear_cka_first'])
    t.is(rows[2]![name], rows[1]![name]);
});

test('the linear CKA that is expected of shuffled pairs is its mean over all orders', (t) => {
  const [n, d] = [5, 2];
  const [a, b] = [centredRows(randomFloat32(n * d, 41), d), centredRows(randomFloat32(n * d, 42), d)];
  const matrix = (rows: number[][]) => ({ values: Float64Array.from(rows.flat()), rows: d, columns: d });
  const [ca, cb] = [matrix(crossOf(a, a)), matrix(crossOf(b, b))];
  const orders = (left: number[]): number[][] =>
    left.length === 0
      ? [[]]
      : left.flatMap((id) => orders(left.filter((other) => other !== id)).map((rest) => [id, ...rest]));
  const all = orders(range(n)).map((order) =>
    linearCka(
      matrix(
        crossOf(
          a,
          order.map((id) => b[id]!),
        ),
      ),
      ca,
      cb,
    ),
  );
  t.is(all.length, 120);
  t.true(near(expectedLinearCka(ca, cb, n), mean(all), 1e-12));
});

test('runs come in the order of the arguments, of the lines of a file, or of the configuration of a batch', async (t) => {
  const { runs, scratch } = await sharedSeries(t);
  const reversed = [runs[3]!, runs[0]!];
  const { series } = await compareSeries(reversed, { out: path.join(scratch, 'back'), workers: 1 });
  t.deepEqual(
    series.steps.map(({ run }) => run.directory),
    reversed,
  );
  t.deepEqual(await seriesRuns(runs), runs);
  const list = path.join(scratch, 'list.txt');
  writeFileSync(list, `${reversed.join('\r\n')}\n\n`);
  t.deepEqual(await seriesRuns([list]), reversed);

  const batch = path.dirname(runs[0]!);
  const outcome = (run: string): Outcome =>
    ({
      run: { name: path.basename(run), folder: path.basename(run) },
      ...{ status: 'finished', manifest: readManifest(run), finishedBefore: true },
    }) as unknown as Outcome;
  const waiting = { run: { name: 'later', folder: 'later' }, status: 'waiting' } as unknown as Outcome;
  const summary = writeBatchSummary(batch, reversed.map(outcome));
  t.deepEqual(await seriesRuns([batch]), reversed);
  t.deepEqual(await seriesRuns([summary]), reversed);
  writeBatchSummary(batch, [outcome(runs[0]!), waiting]);
  await t.throwsAsync(seriesRuns([batch]), {
    instanceOf: InputError,
    message: /1 run of 2 is not finished.*call `batch` again/,
  });
  await t.throwsAsync(seriesRuns([path.join(scratch, 'nowhere')]), {
    message: /nowhere: is not there. Give the runs/,
  });
  rmSync(summary);
  await t.throwsAsync(seriesRuns([batch]), {
    instanceOf: InputError,
    message: /has no summary.parquet.*in their order/,
  });
});

test('what is no series is refused in a line that says what to do, and leaves nothing', async (t) => {
  const { runs, scratch } = await sharedSeries(t);
  const made = path.join(scratch, 'made');
  mkdirSync(made);
  const fewer = { ...model(STEPS[0]!.slice(0, 50 * HIDDEN)), rows: 50, texts: texts.slice(0, 50) };
  const short = await comparedRun(made, 'short', fewer);
  const renamed = texts.map((text, id) => (id === 7 ? ' other' : text));
  const other = await comparedRun(made, 'other', { ...model(STEPS[3]!), texts: renamed });
  const out = path.join(scratch, 'out');
  const refused = async (given: string[], expected: RegExp, folder = out) => {
    const { message } = (await t.throwsAsync(compareSeries(given, { out: folder, workers: 1 }), {
      instanceOf: EigenshardError,
    }))!;
    t.regex(message, expected);
    t.false(message.includes('\n'));
  };
  await refused([runs[0]!], /two steps at least, and one run was given: give all runs/);
  await refused([runs[0]!, short], /short: has 50 x 5 numbers, and the first step 60 x 5.*leave it out/);
  await refused(
    [runs[0]!, runs[1]!, other],
    /other: token 7 is " other", and " w7" in the first step.*leave it out/,
  );
  await refused(runs, /is a run's own. Give an --out beside it/, path.join(runs[1]!, 'series'));
  await refused([runs[0]!, scratch], /./);
  t.deepEqual(readdirSync(scratch), ['made']);
  rmSync(path.join(made, 'short-model'), { recursive: true });
  await refused([short, short], /short: its rows are read from the checkpoint.*Put it back there/);
  t.deepEqual(readdirSync(scratch), ['made']);
});

for (const [what, gamma, hidden] of [
  ['one row', [1, 2, 3], 3],
  ['equal rows', [0.1, 0.7, 0.1, 0.7, 0.1, 0.7], 2],
] as const)
  test(`nothing but numbers and nulls comes of steps of ${what}`, async (t) => {
    const scratch = scratchDirectory(t);
    const same = { gamma: Float32Array.from(gamma), rows: gamma.length / hidden, hidden, hasMetric: true };
    const raised = { ...same, gamma: same.gamma.map((value, k) => value + (k < hidden ? 0.5 : 0)) };
    const a = await comparedRun(scratch, 'a', same);
    const b = await comparedRun(scratch, 'b', raised);
    const { directory } = await compareSeries([a, a, b], { out: path.join(scratch, 'out'), workers: 1 });
    const rows = await readRows(directory, 'series.parquet');
    t.deepEqual(
      rows.map((row) => [row.moved_before, row.linear_cka_before, row.bf16_frozen_before]),
      [
        [null, null, null],
        [0, null, null],
        [1, null, null],
      ],
    );
    for (const row of [...rows, ...(await readRows(directory, 'tokens.parquet'))])
      t.true(Object.values(row).every((value) => typeof value !== 'number' || Number.isFinite(value)));
  });

test('inspect shows again what a series has found', async (t) => {
  const { compared } = await sharedSeries(t);
  const { directory, series } = compared;
  t.like(await answer('inspect', directory), {
    code: 0,
    stdout: `${screenText(seriesText(compared))}\n`,
    stderr: '',
  });
  const { stdout } = await answer('inspect', directory, '--json');
  t.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(series)));
});

test('a series that is stopped leaves nothing behind', async (t) => {
  const { runs, scratch } = await sharedSeries(t);
  const stop = new AbortController();
  const stopped = compareSeries(runs, {
    ...{ out: path.join(scratch, 'out'), workers: 1, signal: stop.signal },
    onProgress: (told) => {
      if (told.event === 'advanced' && told.stage.name === 'steps') stop.abort();
    },
  });
  await t.throwsAsync(stopped, { message: /interrupted/ });
  t.deepEqual(readdirSync(scratch), []);
});

test('a series has the same bytes with one and with two workers, is replaced where that is asked for, and damage is noticed', async (t) => {
  const { runs, compared, scratch } = await sharedSeries(t);
  const out = path.join(scratch, 'out');
  await compareSeries(runs.slice(0, 2), { out, workers: 1 });
  await t.throwsAsync(compareSeries(runs, { out, workers: 2 }), { message: /is there already.*--out/ });
  await compareSeries(runs, { out, workers: 2, overwrite: true });
  const names = ['series.html', 'series.json', 'series.parquet', 'tokens.parquet'];
  t.deepEqual(readdirSync(out).sort(), names);
  for (const name of names.filter((file) => file !== 'series.json'))
    t.true(
      readFileSync(path.join(out, name)).equals(readFileSync(path.join(compared.directory, name))),
      name,
    );
  t.deepEqual(await problemsOfFolder('series', out), []);
  t.deepEqual(readSeries(out).steps, compared.series.steps);
  appendFileSync(path.join(out, 'tokens.parquet'), 'x');
  t.deepEqual(await problemsOfFolder('series', out), [
    `${path.join(out, 'tokens.parquet')}: not the recorded bytes`,
  ]);
  const file = path.join(out, 'series.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"moved":', '"Moved":'));
  t.throws(() => readSeries(out), { message: /its seal does not fit/ });
});

test('docs/comparisons.md describes the columns of the tables of a series, their types, and no others', async (t) => {
  const { compared } = await sharedSeries(t);
  for (const table of ['series', 'tokens'])
    t.deepEqual(
      describedColumns('docs/comparisons.md', table),
      await columnsOf(path.join(compared.directory, `${table}.parquet`)),
    );
});
