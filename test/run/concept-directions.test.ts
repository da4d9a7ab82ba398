import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { tokenText } from '../../src/commands/token-text.js';
import { InputError } from '../../src/errors.js';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { openRun } from '../../src/output/open-run.js';
import { tokenFacts, tokensSpelling } from '../../src/queries/token.js';
import { type ConceptOptions, conceptDirections } from '../../src/run/concept-directions.js';
import { projectVectors } from '../../src/run/project-vectors.js';
import { answer } from '../helpers/answers.js';
import { eigenshard } from '../helpers/cli.js';
import { safetensors, scratchFile } from '../helpers/fixtures.js';
import { readParquet } from '../helpers/projected-vectors.js';
import { randomNumbers } from '../helpers/random.js';
import { dataFiles, runHere, verifyHere } from '../helpers/runs.js';
import { range, sum } from '../helpers/sums.js';

const [ROWS, D, RIDGE] = [300, 16, 1e-3];
/** Pairs of the two planted concepts: tokens 2 k and 2 k + 1 of the first, then of the second. */
const PLANTED = 12;

const dot = (x: readonly number[], y: readonly number[]) => sum(x.map((value, j) => value * y[j]!));
const cosine = (x: readonly number[], y: readonly number[]) => dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));

interface ConceptRun {
  directory: string;
  gamma: number[][];
}

/** Text of a token; words of pairs are `a3` and `A3`, `b3` and `B3`, the first of them with a space in front. */
function textOf(id: number): string {
  const k = Math.floor(id / 2) % PLANTED;
  if (id >= 4 * PLANTED) return id === 299 ? 'a0' : ` other${id}`;
  const letter = id < 2 * PLANTED ? 'a' : 'b';
  return ` ${id % 2 === 0 ? letter : letter.toUpperCase()}${k}`;
}

/** A run with two planted concepts; tokens 100 and 101 have equal rows. All tests share it, one after the other. */
let run: ConceptRun;
const scratch = mkdtempSync(path.join(tmpdir(), 'eigenshard-test-'));

test.before(async () => {
  run = await makeRun();
});
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

async function makeRun(): Promise<ConceptRun> {
  const { normal } = randomNumbers(3);
  const scales = range(D).map((j) => 0.7 ** j);
  const gamma = range(ROWS).map(() => scales.map((scale) => scale * normal()));
  const directions = range(2).map(() => scales.map((scale) => 1.5 * scale * normal()));
  for (const k of range(2 * PLANTED))
    gamma[2 * k + 1] = gamma[2 * k]!.map(
      (value, j) => value + directions[k < PLANTED ? 0 : 1]![j]! + 0.3 * scales[j]! * normal(),
    );
  gamma[101] = gamma[100]!;
  const model = path.join(scratch, 'model');
  mkdirSync(model);
  const data = Float32Array.from(gamma.flat());
  writeFileSync(
    path.join(model, 'model.safetensors'),
    safetensors([
      { name: 'lm_head.weight', dtype: 'F32', shape: [ROWS, D], data: new Uint8Array(data.buffer) },
    ]),
  );
  const vocab = Object.fromEntries(range(ROWS - 5).map((id) => [textOf(id), id]));
  writeFileSync(
    path.join(model, 'tokenizer.json'),
    JSON.stringify({ model: { type: 'WordLevel', vocab: { ...vocab, a0: 299 } }, decoder: null }),
  );
  writeFileSync(path.join(model, 'config.json'), JSON.stringify({ hidden_size: D, vocab_size: ROWS }));
  const out = path.join(scratch, 'run');
  await runHere({ model, out, ridge: RIDGE, partitionRows: 70, top: 2, report: false });
  return { directory: out, gamma: range(ROWS).map((i) => Array.from(data.subarray(i * D, (i + 1) * D))) };
}

const pairsFile = (t: ExecutionContext, lines: readonly string[], name = 'pairs.tsv') =>
  scratchFile(t, name, `${lines.join('\n')}\n`);

const planted = [
  'concept\ta\tb',
  ...range(PLANTED).map((k) => `upper\ta${k}\tA${k}`),
  ...range(PLANTED).map((k) => `second\tb${k}\tB${k}`),
];

let call = 0;
const options = (more: ConceptOptions = {}): ConceptOptions => ({ workers: 1, name: `n${call++}`, ...more });

/** L^-1 of C + rho I = L L^T: a square root of M that has nothing to do with its eigenbasis. */
function choleskyRoot(gamma: readonly number[][]): (row: readonly number[]) => number[] {
  const mean = range(D).map((j) => sum(gamma.map((row) => row[j]!)) / gamma.length);
  const L = range(D).map(() => new Array<number>(D).fill(0));
  for (const i of range(D))
    for (const j of range(i + 1)) {
      const c = sum(gamma.map((row) => (row[i]! - mean[i]!) * (row[j]! - mean[j]!))) / gamma.length;
      const rest = c + (i === j ? RIDGE : 0) - sum(range(j).map((k) => L[i]![k]! * L[j]![k]!));
      L[i]![j] = i === j ? Math.sqrt(rest) : rest / L[j]![j]!;
    }
  return (row) => {
    const g: number[] = [];
    for (const i of range(D)) g.push((row[i]! - sum(range(i).map((k) => L[i]![k]! * g[k]!))) / L[i]![i]!);
    return g;
  };
}

test.serial(
  'every figure is that of another square root of M: of differences, leave-one-out cosines without shared tokens, and |cos|',
  async (t) => {
    const { directory, gamma } = run;
    // Tokens 60 to 66 stand in several pairs.
    const shared = ['60\t61', '60\t62', '62\t63', '64\t65', '65\t64', '66\t67', '70\t71'];
    const lists = {
      upper: range(PLANTED).map((k) => [2 * k, 2 * k + 1] as const),
      shared: shared.map((pair) => pair.split('\t').map(Number) as unknown as readonly [number, number]),
    };
    const file = pairsFile(t, [...planted.slice(0, PLANTED + 1), ...shared.map((pair) => `shared\t${pair}`)]);
    const found = await conceptDirections(directory, [file], options());
    const rows = await readParquet(path.join(found.directory, 'pairs.parquet'));
    t.true(rows.every(({ fate }) => fate === 'used'));
    const causal = choleskyRoot(gamma);
    const means: Record<string, number[][]> = { '': [], causal_: [] };
    for (const [prefix, root] of [
      ['', (row: number[]) => row],
      ['causal_', causal],
    ] as const) {
      const g = gamma.map((row) => root(row));
      for (const [concept, pairs] of Object.entries(lists)) {
        const deltas = pairs.map(([a, b]) => g[b]!.map((value, j) => value - g[a]![j]!));
        const meanOf = (some: number[][]) =>
          range(D).map((j) => sum(some.map((delta) => delta[j]!)) / some.length);
        const mean = meanOf(deltas);
        means[prefix]!.push(mean);
        const own = rows.filter((row) => row.concept === concept);
        const cosines = pairs.map(([a, b], k) => {
          const others = deltas.filter(
            (_, other) => !pairs[other]!.some((token) => token === a || token === b),
          );
          t.is(own[k]!.others, others.length);
          t.true(
            Math.abs((own[k]![`${prefix}norm`] as number) - Math.sqrt(dot(deltas[k]!, deltas[k]!))) < 1e-4,
          );
          return cosine(deltas[k]!, meanOf(others));
        });
        for (const [k, value] of cosines.entries())
          t.true(Math.abs((own[k]![`${prefix}cosine`] as number) - value) < 1e-5, `${concept} ${k}`);
        const figures = found.manifest.summary.concepts.find(({ name }) => name === concept)!;
        const metric = prefix === '' ? 'euclidean' : 'causal';
        t.true(Math.abs(figures.norm[metric] - Math.sqrt(dot(mean, mean))) < 1e-4);
        t.true(Math.abs(figures.leaveOneOut[metric].measured! - sum(cosines) / cosines.length) < 1e-5);
      }
    }
    const [between] = await readParquet(path.join(found.directory, 'cosines.parquet'));
    t.deepEqual([between!.concept, between!.other], ['upper', 'shared']);
    for (const prefix of ['', 'causal_']) {
      const [one, other] = means[prefix]!;
      t.true(Math.abs((between![`${prefix}cosine`] as number) - cosine(one!, other!)) < 1e-5);
    }
  },
);

test.serial(
  'a concept that is there stands out from every control, and lists without one do not',
  async (t) => {
    const { directory } = run;
    const without = range(PLANTED).map((k) => `none\tother${120 + k}\tother${150 + k}`);
    const { manifest, directory: folder } = await conceptDirections(
      directory,
      [pairsFile(t, [...planted, ...without])],
      options({ repeats: 20 }),
    );
    const { concepts, between, independent } = manifest.summary;
    t.is(independent, Math.sqrt(2 / (Math.PI * D)));
    for (const { name, leaveOneOut } of concepts) {
      const { measured, controls } = leaveOneOut.causal;
      const largest = Math.max(
        ...Object.values(controls).map(({ mean, deviation }) => mean! + 3 * deviation!),
      );
      if (name === 'none') t.true(Math.abs(measured!) < 0.3, String(measured));
      else t.true(measured! > 0.7 && measured! > largest, `${name}: ${measured}, controls ${largest}`);
      for (const control of ['shuffled vocabulary', 'random pairs'] as const)
        t.true(Math.abs(controls[control].mean!) < 0.2, `${name}: ${control}`);
    }
    t.is(between.causal.controls['re-paired'].mean, null);
    const rows = await readParquet(path.join(folder, 'controls.parquet'));
    // Of three concepts: three means, or six, and one figure of all, of three controls.
    t.is(rows.length, 20 * (4 + 7 + 4));
    const random = rows.filter(
      ({ control, figure }) => control === 'random pairs' && figure === '|cos| between concepts',
    );
    t.true(Math.abs(sum(random.map(({ causal_value }) => causal_value as number)) / 20 - independent) < 0.05);
    const table = await readParquet(path.join(folder, 'concepts.parquet'));
    t.deepEqual(
      table.map(({ vector, concept, pairs_used, causal_cosine }) => [
        vector,
        concept,
        pairs_used,
        causal_cosine,
      ]),
      concepts.map(({ name, used, leaveOneOut }, c) => [c, name, used, leaveOneOut.causal.measured]),
    );
  },
);

test.serial(
  'vectors have the causal norm 1, duals are their duals, and project takes both as what they are',
  async (t) => {
    const { directory } = run;
    const found = await conceptDirections(directory, [pairsFile(t, planted)], options());
    t.true(found.manifest.checks.every(({ verdict }) => verdict === 'passed'));
    const [vectors, duals] = ['vectors', 'duals'].map((name) =>
      path.join(found.directory, `${name}.safetensors`),
    );
    const projected = await projectVectors(directory, vectors!, {
      ...{ kind: 'token', space: 'normed', workers: 1, top: 0, name: 'concepts' },
    });
    const rows = await readParquet(path.join(projected.directory, 'vectors.parquet'));
    t.is(rows.length, 2);
    const read = (file: string) =>
      withStoredTensors(file, (tensors) => tensors.float32(path.basename(file, '.safetensors'), [2, D]));
    const [own, again] = [
      await read(duals!),
      await read(path.join(projected.directory, 'duals.safetensors')),
    ];
    for (const row of rows) t.true(Math.abs((row.token_norm as number) - 1) < 1e-5);
    t.true(own.every((value, k) => Math.abs(value - again[k]!) < 1e-4 * Math.max(1, Math.abs(value))));
    await t.throwsAsync(projectVectors(directory, duals!, { kind: 'token', space: 'normed', workers: 1 }), {
      message: /its metadata say that these vectors are hidden-like/,
    });
  },
);

test.serial(
  'tokens are found in the first spelling that both of a pair have, and no pair is dropped silently',
  async (t) => {
    const { directory } = run;
    const lines = [
      'Concept\tA\tB',
      'x\ta0\tA0',
      'x\t"a0"\t" A1"',
      'x\t" a0"\tA2',
      'x\t4\t5',
      'x\ta0\tA0',
      'x\tnever\tA0',
      'x\ta1\tneither',
      'x\tnever\tneither',
      'x\ta1\ta1',
      'x\t100\t101',
      'x\t9999\t1',
      '',
      'y\ta0\tnever',
    ];
    const found = await conceptDirections(directory, [pairsFile(t, lines)], options());
    const rows = await readParquet(path.join(found.directory, 'pairs.parquet'));
    t.deepEqual(
      rows.map(({ a_id, a_spelling, b_id, b_spelling, fate }) => [a_id, a_spelling, b_id, b_spelling, fate]),
      [
        [0, 'with a leading space', 1, 'with a leading space', 'used'],
        [0, 'with a leading space', 3, 'as given', 'used'],
        [0, 'as given', 5, 'with a leading space', 'used'],
        [4, null, 5, null, 'used'],
        [0, 'with a leading space', 1, 'with a leading space', 'repeated'],
        [null, null, 1, 'with a leading space', 'a is no token'],
        [2, 'with a leading space', null, null, 'b is no token'],
        [null, null, null, null, 'neither is a token'],
        [2, 'with a leading space', 2, 'with a leading space', 'one token twice'],
        [100, null, 101, null, 'equal rows'],
        [null, null, 1, null, 'a is no token'],
        [0, 'with a leading space', null, null, 'b is no token'],
      ],
    );
    t.deepEqual(found.manifest.pairs, {
      given: 12,
      fates: {
        ...{ used: 4, 'a is no token': 2, 'b is no token': 2, 'neither is a token': 1 },
        ...{ 'one token twice': 1, repeated: 1, 'equal rows': 1 },
      },
    });
    const [x, y] = found.manifest.summary.concepts;
    t.deepEqual([x!.given, x!.used, y!.given, y!.used], [11, 4, 1, 0]);
    t.deepEqual([y!.norm.causal, y!.leaveOneOut.causal.measured], [0, null]);
    t.is((await readParquet(path.join(found.directory, 'cosines.parquet')))[0]!.causal_cosine, null);
  },
);

test.serial('a file a concept is named as the file is; what is no pair is told with its line', async (t) => {
  const { directory } = run;
  const files = [
    pairsFile(t, ['a\tb', 'a0\tA0', 'a1\tA1'], 'upper case.tsv'),
    pairsFile(t, ['b0\tB0', 'b1\tB1'], 'second.txt'),
  ];
  await t.throwsAsync(conceptDirections(directory, files, { workers: 1 }), { message: /give --name/ });
  const found = await conceptDirections(directory, files, options());
  t.deepEqual(
    found.manifest.summary.concepts.map(({ name, used }) => [name, used]),
    [
      ['upper case', 2],
      ['second', 2],
    ],
  );
  const cases: [readonly string[], RegExp][] = [
    [['x\ta0\tA0', 'a0\tA0'], /line 2: has 2 columns, expected 3, as before it/],
    [['one'], /line 1: has 1 column, expected 3 \(concept, a, b\), or 2/],
    [['x\t\tA0'], /line 1: one of its tokens is empty/],
    [['\ta0\tA0'], /line 1: has no concept/],
    [['x\t"a\\q"\tA0'], /line 1: .*is no text of JSON/],
    [['a\tb'], /holds no pairs/],
    [['x\tnever\tneither'], /no pair has two tokens; .*\n {2}x: never, neither: neither is a token/],
    [range(600).map((k) => `c${k}\ta0\tA0`), /600 pairs of 600 concepts, expected at most/],
  ];
  for (const [lines, message] of cases)
    await t.throwsAsync(conceptDirections(directory, [pairsFile(t, lines)], options()), {
      instanceOf: InputError,
      message,
    });
  const digits = pairsFile(t, ['x\t4\t5']);
  await t.throwsAsync(conceptDirections(directory, [digits], options({ text: true })), {
    message: /x: 4, 5: neither is a token/,
  });
});

test.serial(
  'the same seed gives the same bytes for any number of workers, another seed other controls of the same concepts',
  async (t) => {
    const { directory } = run;
    const file = pairsFile(t, planted);
    const filesOf = async (more: ConceptOptions) => {
      const files = dataFiles((await conceptDirections(directory, [file], options(more))).directory);
      files.delete('concepts.json');
      return files;
    };
    const expected = await filesOf({ workers: 1 });
    t.deepEqual(
      [...expected.keys()],
      [
        ...['concepts.html', 'concepts.parquet', 'controls.parquet', 'cosines.parquet'],
        ...['duals.safetensors', 'pairs.parquet', 'vectors.safetensors'],
      ],
    );
    t.deepEqual(await filesOf({ workers: 2 }), expected);
    const other = await filesOf({ seed: 1 });
    const changed = [...expected.keys()].filter((name) => !expected.get(name)!.equals(other.get(name)!));
    t.deepEqual(changed, ['concepts.html', 'concepts.parquet', 'controls.parquet']);
  },
);

test.serial('verify compares concepts with their record, and nothing but concepts is replaced', async (t) => {
  const { directory } = run;
  const file = pairsFile(t, planted);
  const again = options();
  const found = await conceptDirections(directory, [file], again);
  await t.throwsAsync(conceptDirections(directory, [file], again), { message: /is there already/ });
  await conceptDirections(directory, [file], { ...again, overwrite: true });
  t.is((await verifyHere(directory)).problems, '');
  writeFileSync(path.join(found.directory, 'cosines.parquet'), 'x');
  t.regex((await verifyHere(directory)).problems, /concepts\/n\d+\/cosines\.parquet: not the recorded bytes/);
  writeFileSync(path.join(found.directory, 'mine.txt'), 'x');
  await t.throwsAsync(conceptDirections(directory, [file], { ...again, overwrite: true }), {
    message: /holds mine\.txt, which is not of concepts/,
  });
  const stop = AbortSignal.abort();
  const stopped = options();
  await t.throwsAsync(conceptDirections(directory, [file], { ...stopped, signal: stop }), {
    message: 'interrupted',
  });
  t.false(existsSync(path.join(directory, 'concepts', stopped.name!)));
  for (const place of ['cosines.parquet', 'mine.txt']) writeFileSync(path.join(found.directory, place), '');
});

test.serial('the page stands by itself, and takes no name for HTML', async (t) => {
  const { directory } = run;
  const hostile = '<img src=x onerror=alert(1)>';
  const found = await conceptDirections(
    directory,
    [pairsFile(t, [...planted, `${hostile}\ta0\tA0`, `${hostile}\t<b>x</b>\tA0`])],
    options(),
  );
  const page = readFileSync(path.join(found.directory, 'concepts.html'), 'utf8');
  t.false(page.includes('<img') || page.includes('<b>x'));
  t.regex(page, /Content-Security-Policy" content="default-src &#39;none&#39;; script-src &#39;sha256-/);
  t.is([...page.matchAll(/<rect /g)].length, 2 * 9);
  t.regex(page, /Pairs that are left out: 1 of 26/);
  t.true(page.length < 40_000, `${page.length} bytes`);
});

test.serial('the command prints figures beside their controls, or JSON', async (t) => {
  const { directory } = run;
  const file = pairsFile(t, [...planted, 'second\tnever\tB0']);
  const flags = ['--workers', '1', '--quiet', '--repeats', '3'];
  const shown = await eigenshard('concepts', directory, file, '--name', 'shown', ...flags);
  t.is(shown.code, 0, shown.stderr);
  t.regex(shown.stdout, /2 concepts of 25 pairs, 1 left out/);
  t.regex(shown.stdout, /^concept +metric +measured +shuffled vocabulary +random pairs +re-paired$/m);
  t.regex(shown.stdout, /^second \(12 of 13\) +causal +0\.\d{3} +-?0\.\d{3} \+- 0\.\d{3}/m);
  t.regex(shown.stdout, /second: "never", "B0": a is no token/);
  const json = await eigenshard(
    'concepts',
    directory,
    file,
    '--name',
    'shown',
    '--overwrite',
    '--json',
    ...flags,
  );
  const found = JSON.parse(json.stdout);
  t.is(found.summary.concepts[0].name, 'upper');
  t.is(found.foundPairs.length, 25);
  const inspected = await answer('inspect', found.directory);
  const [figures] = shown.stdout.split('\nleft out');
  t.true(inspected.stdout.startsWith(figures!), inspected.stdout);
  t.is((await answer('verify', found.directory)).stdout, `${found.directory}: concepts, as recorded\n`);
});

test.serial(
  'a token that stands for a byte is taken for its text where there is no other, and is no control',
  async (t) => {
    const [rows, d] = [40, 6];
    const words = ['<0x41>', '<0x42>', '<0x43>', '<s>', 'A', 'B', ...range(34).map((k) => `▁word${k}`)];
    const folder = path.join(scratch, 'bytes');
    mkdirSync(folder);
    const { normal } = randomNumbers(5);
    const data = Float32Array.from({ length: rows * d }, normal);
    const tensor = { name: 'lm_head.weight', dtype: 'F32', shape: [rows, d] };
    writeFileSync(
      path.join(folder, 'model.safetensors'),
      safetensors([{ ...tensor, data: new Uint8Array(data.buffer) }]),
    );
    const decoders = [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }];
    writeFileSync(
      path.join(folder, 'tokenizer.json'),
      JSON.stringify({
        model: { type: 'BPE', vocab: Object.fromEntries(words.map((word, id) => [word, id])), merges: [] },
        added_tokens: [{ id: 3, content: '<s>', special: true }],
        decoder: { type: 'Sequence', decoders },
      }),
    );
    writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ hidden_size: d, vocab_size: rows }));
    const directory = path.join(scratch, 'bytes run');
    await runHere({ model: folder, out: directory, report: false });
    const pairs = scratchFile(t, 'letters.tsv', 'a\tb\nA\tB\nA\tC\nword1\tword2\n');
    const found = await conceptDirections(directory, [pairs], { workers: 1, repeats: 1 });
    t.deepEqual(
      found.pairs.map(({ a, b }) => [a.id, b.id]),
      [
        [4, 5],
        [4, 2],
        [7, 8],
      ],
    );
    // All but the special one and the bytes, of which one is in a pair.
    t.is(found.manifest.controls.tokens, rows - 1 - 2);
    const opened = await openRun(directory);
    const shown = await tokenFacts(opened, 'A');
    t.deepEqual(
      shown.map(({ token_id, is_byte }) => [token_id, is_byte]),
      [
        [4, false],
        [0, true],
      ],
    );
    t.regex(tokenText(shown[1]!), /^token 0 "A" \(as given, a byte, for where nothing else fits\)/);
    t.deepEqual(await tokensSpelling(opened, ['B', 'C']), [5, 1, 2]);
  },
);
