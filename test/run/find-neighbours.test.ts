import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import pl from 'nodejs-polars';
import { readManifest } from '../../src/output/manifest.js';
import { readNeighbourLists } from '../../src/output/neighbours-file.js';
import { findNeighbours } from '../../src/run/find-neighbours.js';
import { nearestTokens } from '../../src/run/nearest-tokens.js';
import type { ProgressEvent, StageState } from '../../src/run/progress.js';
import { type NeighbourMeasure, neighbourMeasures } from '../../src/tables/neighbour-measures.js';
import { bruteNeighbours } from '../helpers/brute-neighbours.js';
import { eigenshard, eigenshardUntilRecord, eigenshardUntilRename } from '../helpers/cli.js';
import { safetensors, scratchDirectory } from '../helpers/fixtures.js';
import { seededRandom } from '../helpers/random.js';
import { runWithTables } from '../helpers/run-with-tables.js';
import { readBasis, readProjections, runHere, verifyHere } from '../helpers/runs.js';
import { realModelTest } from '../helpers/shared-models.js';

const HIDDEN = 23;
const ROWS = 1100;
/** Equal rows, which are not next to each other. */
const EQUAL = 300;
const K = 20;

/** Whether a row is one of the equal ones. */
const isEqual = (row: number) => row % 3 === 0 && row < 3 * EQUAL;

/**
 * A checkpoint in bfloat16 of 300 equal rows, some rows of zeros, and rows that differ from another in one coordinate by one
 * step of bfloat16.
 */
function knottedModel(t: ExecutionContext): string {
  const random = seededRandom(5);
  const bits = new Uint16Array(ROWS * HIDDEN);
  for (let row = 0; row < ROWS; row++) {
    const own = bits.subarray(row * HIDDEN, (row + 1) * HIDDEN);
    if (isEqual(row) && row > 0) own.set(bits.subarray(0, HIDDEN));
    else if (row >= 1000 && row < 1040) {
      own.set(bits.subarray(HIDDEN, 2 * HIDDEN));
      own[row % HIDDEN]!++;
    } else if (row < 1090) {
      const values = Float32Array.from(own, () => random() * 2 ** Math.floor(3 * random()));
      own.set(Uint16Array.from(new Uint32Array(values.buffer), (value) => value >>> 16));
    }
  }
  const model = path.join(scratchDirectory(t), 'model.safetensors');
  const tensor = { name: 'lm_head.weight', dtype: 'BF16', shape: [ROWS, HIDDEN] };
  writeFileSync(model, safetensors([{ ...tensor, data: new Uint8Array(bits.buffer) }]));
  return model;
}

/** A run whose partitions straddle the strips of products, without tables. */
async function runOf(t: ExecutionContext, model: string, partitionRows = 700): Promise<string> {
  const out = path.join(scratchDirectory(t), 'run');
  await runHere({ model, out, partitionRows, tables: 'none' });
  return out;
}

/** Compares the lists of a run with those of all pairs in float64. */
async function compareWithBrute(t: ExecutionContext, run: string, d: number, k: number): Promise<void> {
  const { values: projections } = await readProjections(run);
  const { eigenvalues } = await readBasis(run, d);
  const manifest = readManifest(run);
  for (const measure of neighbourMeasures) {
    const wanted = bruteNeighbours({ projections, eigenvalues }, measure, k);
    const found = await readNeighbourLists(run, manifest, measure);
    for (const [token, list] of wanted.entries()) {
      const { ids, values } = found[token]!;
      t.deepEqual(ids, list?.map(({ id }) => id) ?? null, `${measure} of ${token}`);
      const off = (list ?? []).findIndex(
        ({ value }, place) => Math.abs(values![place]! - value) > 1e-11 * value,
      );
      t.is(off, -1, `${measure} of ${token}, place ${off}`);
    }
  }
}

const all = { measures: [...neighbourMeasures] as NeighbourMeasure[], backend: 'portable' as const };

realModelTest('neighbours of a real model are those of all pairs in float64', async (t, model) => {
  const out = path.join(scratchDirectory(t), 'run');
  await runHere({ model, out, partitionRows: 200 });
  await findNeighbours(out, { ...all, k: 7, workers: 1 });
  await compareWithBrute(t, out, 64, 7);
});

test('equal rows are at 0 exactly, near-duplicates in their order, ties by the lower number, zeros without cosine', async (t) => {
  const run = await runOf(t, knottedModel(t));
  const { manifest } = await findNeighbours(run, { ...all, k: K, workers: 2 });
  await compareWithBrute(t, run, HIDDEN, K);
  const lowest = Array.from({ length: K + 1 }, (_, place) => 3 * place);
  for (const measure of neighbourMeasures) {
    const lists = await readNeighbourLists(run, manifest, measure);
    for (const token of [0, 30, 3 * (EQUAL - 1)]) {
      const expected = lowest.filter((id) => id !== token).slice(0, K);
      t.deepEqual(lists[token], { ids: expected, values: new Array(K).fill(0) });
    }
  }
  // The two groups of equal rows, and the near ones.
  t.deepEqual(manifest.neighbours!.summary.knots.count, 3);
  t.is(manifest.neighbours!.summary.knots.largest, EQUAL);
});

test('neighbours are the same bytes with any number of workers, and from any format', async (t) => {
  const model = knottedModel(t);
  const scratch = scratchDirectory(t);
  const tables: Buffer[] = [];
  for (const [workers, format] of [
    [1, 'parquet'],
    [2, 'parquet'],
    [5, 'arrow'],
  ] as const) {
    const out = path.join(scratch, `run-${workers}`);
    await runHere({ model, out, partitionRows: 700, tables: 'none', format });
    await findNeighbours(out, { ...all, k: K, workers });
    const lists = await Promise.all(
      neighbourMeasures.map((measure) => readNeighbourLists(out, readManifest(out), measure)),
    );
    tables.push(Buffer.from(JSON.stringify(lists)));
    if (workers === 2)
      t.deepEqual(
        readFileSync(path.join(out, 'neighbours.parquet')),
        readFileSync(path.join(scratch, 'run-1', 'neighbours.parquet')),
      );
  }
  t.true(tables.every((one) => one.equals(tables[0]!)));
});

test('neighbours of some tokens are those of the table, by the measures in their order', async (t) => {
  const run = await runOf(t, knottedModel(t));
  const measures: NeighbourMeasure[] = ['distance', 'causal_cosine'];
  const { manifest } = await findNeighbours(run, { measures, k: 5, workers: 2, backend: 'portable' });
  const tokens = [1095, 30, 1];
  const found = await nearestTokens(run, tokens, { measures, k: 5, workers: 1, backend: 'portable' });
  const stored = await Promise.all(measures.map((measure) => readNeighbourLists(run, manifest, measure)));
  t.deepEqual(
    found,
    measures.flatMap((measure, m) => tokens.map((token) => ({ measure, token, ...stored[m]![token]! }))),
  );
  await t.throwsAsync(nearestTokens(run, [ROWS]), { message: /has no token 1100; its tokens are 0 to 1099/ });
  await t.throwsAsync(findNeighbours(run, { k: 0 }), { message: /"k"/ });
});

test('DuckDB and Polars read the lists, and the command prints what they come to', async (t) => {
  const run = await runOf(t, knottedModel(t));
  const atlas = path.join(scratchDirectory(t), 'atlas.jsonl');
  const asked = ['neighbours', run, '-k', '3', '--measure', 'cosine,causal_distance', '--quiet'];
  const printed = await eigenshard(...asked, '--atlas', atlas, '--backend', 'portable');
  t.is(printed.code, 0, printed.stderr);
  t.regex(printed.stdout, /3 neighbours of each of 1,100 tokens/);
  const file = path.join(run, 'neighbours.parquet');
  const stored = await readNeighbourLists(run, readManifest(run), 'cosine');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const query = `SELECT cosine_ids, cosine_values FROM '${file}' ORDER BY token_id`;
  const rows = (await connection.runAndReadAll(query)).getRowsJS() as (number[] | null)[][];
  connection.closeSync();
  t.deepEqual(
    rows.map(([ids, values]) => ({ ids, values })),
    stored,
  );
  const column = pl.readParquet(readFileSync(file)).getColumn('cosine_ids').toArray() as unknown[];
  t.deepEqual(
    column.map((ids) => (ids === null ? null : Array.from(ids as number[]))),
    stored.map(({ ids }) => ids),
  );
  const lines = readFileSync(atlas, 'utf8').trimEnd().split('\n');
  t.deepEqual(
    lines.map((line) => JSON.parse(line).neighbors),
    stored.map(({ ids, values }) => ({ ids: ids ?? [], distances: values ?? [] })),
  );
  const again = await eigenshard(...asked);
  t.regex(again.stdout, /was there, intact/);
  const other = await eigenshard('neighbours', run, '--atlas', atlas, '--quiet');
  t.is(other.code, 2);
  t.regex(other.stderr, /exists already/);
});

test('tokens are named by their text or by numbers in a file, and answered as text or JSON', async (t) => {
  const { directory } = await runWithTables(t);
  const asked = ['neighbours', directory, '-k', '2', '--quiet', '--backend', 'portable'];
  const { stdout, stderr } = await eigenshard(...asked, '--token', ' the');
  t.regex(stdout, /^token 4 " the", by causal_cosine\nplace +token_id +text +value\n/, stderr);
  const ids = path.join(scratchDirectory(t), 'ids.txt');
  writeFileSync(ids, '4, 299\n');
  const found = JSON.parse((await eigenshard(...asked, '--ids', ids, '--json')).stdout);
  t.deepEqual(found, await nearestTokens(directory, [4, 299], { k: 2, backend: 'portable' }));
  t.deepEqual(found[1].ids, [290, 291]);
  const unknown = await eigenshard(...asked, '--token', 'nowhere');
  t.regex(unknown.stderr, /no token spells "nowhere"/);
  writeFileSync(ids, '4 4.5');
  const refused = await eigenshard(...asked, '--ids', ids);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /expected numbers of tokens.*"4\.5"/);
});

test('a search that is killed goes on with what it had found, and leaves the bytes of one that was not', async (t) => {
  const model = knottedModel(t);
  const run = await runOf(t, model);
  const file = path.join(run, 'neighbours.parquet');
  const asked = ['neighbours', run, '-k', '4', '--backend', 'portable', '--quiet', '--workers', '1'];
  const killed = await eigenshardUntilRecord(asked, { folder: 'run', records: 1, signal: 'SIGKILL' });
  t.is(killed.code, null);
  // With the manifest in place, before the file is.
  t.is((await eigenshardUntilRename(asked, file)).code, null);
  t.false(existsSync(file));
  t.is(readManifest(run).neighbours!.k, 4);
  t.is((await verifyHere(run)).problems, '');
  const { isNew } = await findNeighbours(run, { k: 4, workers: 1, backend: 'portable' });
  t.false(isNew);
  const whole = await runOf(t, model);
  await findNeighbours(whole, { k: 4, workers: 2, backend: 'portable' });
  t.deepEqual(readFileSync(file), readFileSync(path.join(whole, 'neighbours.parquet')));
});

test('units that were done are not computed again, those of another request are', async (t) => {
  const run = await runOf(t, knottedModel(t));
  const request = { k: 4, workers: 1, backend: 'portable' } as const;
  const asked = ['neighbours', run, '-k', '4', '--backend', 'portable', '--quiet', '--workers', '1'];
  await eigenshardUntilRecord(asked, { folder: 'run', records: 1, signal: 'SIGKILL' });
  t.true(existsSync(path.join(run, 'done/neighbours/00000.json')));
  const totals: (number | null)[] = [];
  const watched = {
    onProgress: ({ event, stage }: ProgressEvent & { stage?: StageState }) => {
      if (event === 'finished' && stage?.name === 'neighbours') totals.push(stage.total);
    },
  };
  await findNeighbours(run, { ...request, ...watched });
  await findNeighbours(run, { ...request, k: 5, ...watched });
  t.true(totals[0]! < totals[1]! && totals[0]! === totals[1]! - 512, totals.join(' '));
  for (const folder of ['done', 'parts', '.eigenshard.export']) t.false(existsSync(path.join(run, folder)));
});

test('verify names a damaged table of neighbours, which is found again, and a run that is mended does without', async (t) => {
  const model = knottedModel(t);
  const out = path.join(scratchDirectory(t), 'run');
  const config = { model, out, partitionRows: 700, tables: 'none' } as const;
  await runHere(config);
  const request = { k: 3, workers: 2, backend: 'portable' } as const;
  await findNeighbours(out, request);
  const file = path.join(out, 'neighbours.parquet');
  const intact = readFileSync(file);
  const damage = () => writeFileSync(file, Buffer.from(intact).fill(7, 100, 101));
  damage();
  t.regex((await verifyHere(out)).problems, /neighbours\.parquet: not the recorded bytes/);
  t.true((await findNeighbours(out, request)).isNew);
  t.deepEqual(readFileSync(file), intact);
  t.false((await findNeighbours(out, request)).isNew);
  // Mended for another reason, they stay; damaged themselves, they go.
  const eigenbasis = path.join(out, 'eigenbasis.safetensors');
  const basis = readFileSync(eigenbasis);
  writeFileSync(eigenbasis, Buffer.from(basis).fill(7, basis.length - 8));
  await runHere(config, { resume: true, checksums: true });
  t.deepEqual(readManifest(out).neighbours!.k, 3);
  t.is((await verifyHere(out)).problems, '');
  damage();
  const notes: string[] = [];
  await runHere(config, { resume: true, checksums: true, notes });
  t.is(readManifest(out).neighbours, null);
  t.false(existsSync(file));
  t.true(notes.some((note) => note.includes('eigenshard neighbours')));
});
