import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { readReferenceTokens } from '../../src/input/reference-tokens.js';
import { type UndertrainedOptions, undertrainedTokens } from '../../src/run/undertrained-tokens.js';
import { answer } from '../helpers/answers.js';
import { eigenshard } from '../helpers/cli.js';
import { safetensors, scratchFile } from '../helpers/fixtures.js';
import { readParquet } from '../helpers/projected-vectors.js';
import { randomNumbers } from '../helpers/random.js';
import { dataFiles, runHere, verifyHere } from '../helpers/runs.js';
import { realModelTest } from '../helpers/shared-models.js';
import { range, sum } from '../helpers/sums.js';

const [ROWS, D, RIDGE] = [260, 12, 1e-3];
/** Rows without a token, and a knot of tokens whose rows have the same signs and exponents. */
const ORPHANS = [254, 255, 256, 257, 258, 259];
const KNOT = [40, 41, 42, 43, 44, 45, 46, 47];
/** A token whose row is near those, and in no knot. */
const NEAR = 90;

const dot = (x: readonly number[], y: readonly number[]) => sum(x.map((value, j) => value * y[j]!));
const minus = (x: readonly number[], y: readonly number[]) => x.map((value, j) => value - y[j]!);
const norm = (x: readonly number[]) => Math.sqrt(dot(x, x));
const meanOf = (rows: readonly (readonly number[])[]) =>
  range(D).map((j) => sum(rows.map((row) => row[j]!)) / rows.length);

const scratch = mkdtempSync(path.join(tmpdir(), 'eigenshard-test-'));
const model = path.join(scratch, 'model');
const directory = path.join(scratch, 'run');
let gamma: number[][];
let input: number[][];

test.before(async () => {
  const { normal, uniform } = randomNumbers(17);
  const common = range(D).map((j) => (j % 3 === 0 ? 1.5 : -1.5) * 2 ** -(j % 4));
  const near = () => common.map((value) => value * (0.9 + 0.2 * uniform()));
  const rows = range(ROWS).map((id) => {
    if (ORPHANS.includes(id) || KNOT.includes(id)) return near();
    if (id === NEAR) return common.map((value, j) => (j === 0 ? -0.01 : value));
    return range(D).map((j) => 0.8 ** j * normal() + (j === 0 ? 1 : 0.1));
  });
  const data = Float32Array.from(rows.flat());
  const other = Float32Array.from({ length: ROWS * D }, normal);
  const rowsOf = (values: Float32Array) =>
    range(ROWS).map((i) => Array.from(values.subarray(i * D, (i + 1) * D)));
  gamma = rowsOf(data);
  input = rowsOf(other);
  mkdirSync(model);
  const tensor = { dtype: 'F32', shape: [ROWS, D] };
  writeFileSync(
    path.join(model, 'model.safetensors'),
    safetensors([
      { ...tensor, name: 'lm_head.weight', data: new Uint8Array(data.buffer) },
      { ...tensor, name: 'model.embed_tokens.weight', data: new Uint8Array(other.buffer) },
    ]),
  );
  // Words of letters of their own, so that WordPiece makes each of itself; token 7 is special, 8 and 9 have one text.
  const vocab = Object.fromEntries(range(254).map((id) => [id === 7 ? '[UNK]' : `w${id}`, id]));
  writeFileSync(
    path.join(model, 'tokenizer.json'),
    JSON.stringify({
      model: { type: 'WordPiece', vocab, unk_token: '[UNK]', continuing_subword_prefix: '##' },
      added_tokens: [{ id: 7, content: '[UNK]', special: true }],
      normalizer: { type: 'Replace', pattern: { String: 'w9' }, content: 'w8' },
      decoder: null,
    }),
  );
  const config = { hidden_size: D, vocab_size: ROWS, tie_word_embeddings: false };
  writeFileSync(path.join(model, 'config.json'), JSON.stringify(config));
  await runHere({ model, out: directory, ridge: RIDGE, partitionRows: 70, top: 2, report: false });
});
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

let call = 0;
const options = (more: UndertrainedOptions = {}): UndertrainedOptions => ({
  workers: 1,
  name: `n${call++}`,
  ...more,
});
const tableOf = (folder: string) => readParquet(path.join(folder, 'tokens.parquet'));

/** Covariance, its first principal direction by powers of it, and (C + rho I)^-1 by elimination, all from the definition. */
function geometry() {
  const mean = meanOf(gamma);
  const centred = gamma.map((row) => minus(row, mean));
  const C = range(D).map((i) => range(D).map((j) => sum(centred.map((row) => row[i]! * row[j]!)) / ROWS));
  const times = (matrix: number[][], x: number[]) => matrix.map((row) => dot(row, x));
  let first = range(D).map(() => 1);
  for (let step = 0; step < 2000; step++) {
    const next = times(C, first);
    first = next.map((value) => value / norm(next));
  }
  const system = C.map((row, i) => [
    ...row.map((c, j) => c + (i === j ? RIDGE : 0)),
    ...range(D).map((j) => +(i === j)),
  ]);
  for (const k of range(D)) {
    const pivot = system[k]![k]!;
    system[k] = system[k]!.map((value) => value / pivot);
    for (const i of range(D)) {
      const factor = system[i]![k]!;
      if (i !== k) system[i] = system[i]!.map((value, j) => value - factor * system[k]![j]!);
    }
  }
  const M = system.map((row) => row.slice(D));
  return { mean, first, causal: (x: number[]) => Math.sqrt(dot(x, times(M, x))) };
}

test.serial('every indicator is that of its definition, in float64, from the rows alone', async (t) => {
  const found = await undertrainedTokens(directory, options());
  t.true(found.manifest.checks.every(({ verdict }) => verdict === 'passed'));
  const { mean, first, causal } = geometry();
  const chosen = [...KNOT, ...ORPHANS];
  const u = meanOf(chosen.map((id) => gamma[id]!));
  const angular = (x: number[], y: number[]) => 1 - dot(x, y) / (norm(x) * norm(y));
  const without = (x: number[]) => x.map((value, j) => value - dot(x, first) * first[j]!);
  const rows = await tableOf(found.directory);
  t.is(rows.length, ROWS);
  for (const [id, row] of rows.entries()) {
    const g = gamma[id]!;
    const expected = {
      indicator_a: angular(g, u),
      indicator_b: angular(without(g), without(u)),
      indicator_c: angular(minus(g, mean), minus(u, mean)),
      indicator_d: norm(minus(g, u)),
      causal_distance: causal(minus(g, u)),
      centred_causal_norm: causal(minus(g, mean)),
      input_norm: norm(input[id]!),
    };
    for (const [name, value] of Object.entries(expected))
      t.true(
        Math.abs((row[name] as number) - value) < 2e-6 * Math.max(1, value),
        `${id} ${name} ${row[name]} ${value}`,
      );
    t.is(row.is_reference, chosen.includes(id));
  }
  const { reference, input: embedding, classes } = found.manifest;
  t.like(reference, { source: 'orphans and the largest knot', tokens: 14, orphans: 6, knot: 14 });
  t.is(reference.knots, 'equal signs and exponents');
  t.true(Math.abs(reference.norm - norm(u)) < 1e-6);
  t.deepEqual(embedding, { tensor: 'model.embed_tokens.weight', dtype: 'float32' });
  t.is(found.by, 'input_norm');
  // Those that begin with w9 are encoded as those with w8, or as nothing that is known.
  const changed = range(254).filter((id) => `${id}`.startsWith('9')).length;
  t.deepEqual(classes, { reachable: 254 - 1 - changed, unreachable: changed, special: 1, orphan: 6 });
  t.deepEqual([rows[90]!.class, rows[90]!.encoded_as], ['unreachable', '[80]']);
});

test.serial(
  'the list has the smallest of a column, of tokens that texts can have and the reference has not',
  async (t) => {
    const found = await undertrainedTokens(directory, options({ by: 'indicator_d', top: 300 }));
    const rows = await tableOf(found.directory);
    const expected = rows
      .filter((row) => row.class === 'reachable' && row.is_reference === false)
      .sort((a, b) => (a.indicator_d as number) - (b.indicator_d as number));
    t.deepEqual(
      found.tokens.map(({ token_id }) => token_id),
      expected.map(({ token_id }) => token_id as number),
    );
    t.false(found.tokens.some(({ token_id }) => [7, NEAR, ...KNOT, ...ORPHANS].includes(token_id)));
  },
);

test.serial('a reference that is given is taken in the place of what is found', async (t) => {
  const reference = [3, 250, 11];
  const found = await undertrainedTokens(directory, options({ reference, by: 'causal_distance', top: 5 }));
  t.like(found.manifest.reference, { source: 'given', tokens: 3, orphans: 0, knot: 0 });
  t.regex(found.manifest.notes.join('\n'), /the reference has 3 tokens alone/);
  const rows = await tableOf(found.directory);
  const u = meanOf(reference.map((id) => gamma[id]!));
  t.true(Math.abs((rows[20]!.indicator_d as number) - norm(minus(gamma[20]!, u))) < 1e-6);
  await t.throwsAsync(undertrainedTokens(directory, options({ reference: [260] })), {
    instanceOf: InputError,
    message: /has no token 260, which --reference names/,
  });
  t.deepEqual(await readReferenceTokens('1,2,5:9'), [1, 2, 5, 6, 7, 8]);
  t.deepEqual(await readReferenceTokens(scratchFile(t, 'ids.txt', '4\n5 6:8,9\r\n')), [4, 5, 6, 7, 9]);
  for (const wrong of ['7:5', '1:1', 'x', ' '])
    await t.throwsAsync(readReferenceTokens(scratchFile(t, 'ids.txt', wrong)), { instanceOf: InputError });
});

test.serial(
  'without its checkpoint a run knows equal rows, and neither the tokenizer nor the input embedding',
  async (t) => {
    const moved = path.join(scratch, 'elsewhere');
    renameSync(model, moved);
    const found = await undertrainedTokens(directory, options());
    t.is(found.manifest.reference.knots, 'equal bits');
    t.like(found.manifest.reference, { tokens: 6, orphans: 6, knot: 0 });
    t.deepEqual(found.manifest.classes, { unknown: 253, special: 1, orphan: 6 });
    t.is(found.by, 'indicator_b');
    t.regex(found.manifest.notes.join('\n'), /the checkpoint is not at hand/);
    t.true(found.tokens.length === 20 && found.tokens.every((token) => token.input_norm === null));
    const again = await undertrainedTokens(directory, options({ model: moved }));
    t.is(again.manifest.reference.knots, 'equal signs and exponents');
    renameSync(moved, model);
    await t.throwsAsync(undertrainedTokens(directory, options({ model: moved })), { instanceOf: InputError });
  },
);

test.serial(
  'files have the same bytes for any number of workers, and verify compares them with their record',
  async (t) => {
    const one = await undertrainedTokens(directory, options({ workers: 1 }));
    const two = await undertrainedTokens(directory, options({ workers: 2 }));
    const files = [one, two].map((found) => dataFiles(found.directory).get('tokens.parquet')!);
    t.true(files[0]!.equals(files[1]!));
    t.is((await verifyHere(directory)).problems, '');
    writeFileSync(path.join(one.directory, 'tokens.parquet'), files[0]!.subarray(1));
    t.regex(
      (await verifyHere(directory)).problems,
      /undertrained\/n\d+\/tokens\.parquet: not the recorded bytes/,
    );
    writeFileSync(path.join(one.directory, 'tokens.parquet'), files[0]!);
  },
);

test.serial('where every row has a token and no two are alike, a reference has to be given', async (t) => {
  const bare = path.join(scratch, 'bare.safetensors');
  const data = Float32Array.from(gamma.slice(0, 40).flat());
  writeFileSync(
    bare,
    safetensors([
      { name: 'model.embed_tokens.weight', dtype: 'F32', shape: [40, D], data: new Uint8Array(data.buffer) },
    ]),
  );
  const out = path.join(scratch, 'bare run');
  await runHere({ model: bare, out, ridge: RIDGE, report: false });
  await t.throwsAsync(undertrainedTokens(out, options()), {
    instanceOf: InputError,
    message: /nothing is known to be undertrained: .*--reference/,
  });
  const found = await undertrainedTokens(out, options({ reference: [0, 1] }));
  t.regex(found.manifest.notes.join('\n'), /no norms of the input embedding: it is the matrix of the run/);
  const name = `n${call++}`;
  await t.throwsAsync(undertrainedTokens(out, { reference: [0, 1], by: 'input_norm', name, workers: 1 }), {
    instanceOf: InputError,
    message: /^[^\n]*: has no input_norm to sort by: .*it is the matrix of the run[^\n]*--by$/,
  });
  t.false(existsSync(path.join(out, 'undertrained', name)));
  // With a metric of another matrix the first direction is no principal one.
  const given = path.join(scratch, 'given run');
  await runHere({
    model: bare,
    out: given,
    metric: path.join(directory, 'metric.safetensors'),
    report: false,
  });
  const other = await undertrainedTokens(given, options({ reference: [0, 1] }));
  t.regex(other.manifest.notes.join('\n'), /indicator_b is not known/);
  t.is(other.by, 'indicator_a');
  t.is(other.tokens.length, 20);
  t.true(
    (await tableOf(other.directory)).every((row) => row.indicator_b === null && row.indicator_a !== null),
  );
});

test.serial(
  'the mean row of an indicator counts all rows the same, whatever the weights of the run',
  async (t) => {
    const counts = path.join(scratch, 'counts.tsv');
    writeFileSync(
      counts,
      ['token_id\tcount', ...range(ROWS).map((id) => `${id}\t${id % 9 === 0 ? 1000 : 1}`)].join('\n'),
    );
    const [mean, u] = [meanOf(gamma), meanOf([...KNOT, ...ORPHANS].map((id) => gamma[id]!))];
    const [x, y] = [minus(gamma[20]!, mean), minus(u, mean)];
    const expected = 1 - dot(x, y) / (norm(x) * norm(y));
    for (const [k, more] of [
      { weights: `counts=${counts}` },
      { weights: 'tokenizer', secondMoment: 'uncentred' },
      { secondMoment: 'uncentred' },
    ].entries()) {
      const out = path.join(scratch, `weighted ${k}`);
      await runHere({ model, out, ridge: RIDGE, partitionRows: 70, report: false, ...(more as object) });
      const { manifest, directory: folder } = await undertrainedTokens(out, options());
      t.true(manifest.checks.every(({ verdict }) => verdict === 'passed'));
      const rows = await tableOf(folder);
      t.true(Math.abs((rows[20]!.indicator_c as number) - expected) < 2e-6, JSON.stringify(more));
      t.true(rows.every((row) => row.indicator_b === null && row.indicator_a !== null));
      t.regex(
        manifest.notes.join('\n'),
        k === 0 ? /indicator_b is not known: the rows are weighted/ : /the second moment is uncentred/,
      );
      await t.throwsAsync(undertrainedTokens(out, options({ by: 'indicator_b' })), {
        instanceOf: InputError,
        message: /^[^\n]*: has no indicator_b to sort by: [^\n]*--by$/,
      });
    }
  },
);

realModelTest(
  'of a real model, bytes that no text of its training had are the knot, and rare characters are next to it',
  async (t, real) => {
    const out = path.join(scratch, 'stories');
    await runHere({ model: real, out, report: false });
    const { manifest, tokens } = await undertrainedTokens(out, options({ top: 12 }));
    t.like(manifest.reference, { tokens: 169, orphans: 0, knot: 169 });
    const rare = tokens.map(({ text }) => text);
    for (const text of ['|', '™', '~', '€']) t.true(rare.includes(text), text);
    t.true(
      tokens.every(({ token_id }) => token_id > 480),
      'rare characters have the highest ids',
    );
  },
);

test.serial('the command lists indicators, and calls them nothing else', async (t) => {
  const flags = ['--workers', '1', '--quiet', '-k', '3'];
  const shown = await eigenshard('undertrained', directory, '--reference', '254:260', ...flags);
  t.is(shown.code, 0, shown.stderr);
  t.regex(
    shown.stdout,
    /undertrained\/default: indicators of undertrained tokens\n {2}reference: 6 tokens \(given\)/,
  );
  t.regex(shown.stdout, /^token_id +text +input_norm +indicator_a/m);
  t.notRegex(shown.stdout, /glitch/i);
  const [recorded] = shown.stdout.split('\n\n');
  const folder = path.join(directory, 'undertrained', 'default');
  t.is((await answer('inspect', folder)).stdout, `${recorded}\n`);
  t.regex(
    (await answer('verify', folder)).stdout,
    /default: indicators of undertrained tokens, as recorded\n$/,
  );
  const many = await eigenshard('undertrained', directory, '-k', '10001');
  t.is(many.code, 2);
  t.regex(many.stderr, /option '-k <n>' argument '10001' is invalid\. It must be 10,000 or less/);
  const mistyped = await answer('undertrained', directory, '--reference', '1,2,x');
  t.regex(mistyped.stderr, /^eigenshard: --reference: "x" is no id of a token; give ids, or ranges/);
});
