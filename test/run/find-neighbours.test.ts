import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import pl from 'nodejs-polars';
import { readManifest } from '../../src/output/manifest.js';
import { readNeighbourLists } from '../../src/output/neighbours-file.js';
import { keptPlaces, neighbourUnits } from '../../src/plan/neighbour-units.js';
import { splitRows } from '../../src/plan/row-ranges.js';
import { refuseAtlas } from '../../src/queries/write-atlas.js';
import { addNeighbours } from '../../src/run/add-neighbours.js';
import { withContext } from '../../src/run/caller.js';
import { findNeighbours, openWholeSearch } from '../../src/run/find-neighbours.js';
import { nearestTokens } from '../../src/run/nearest-tokens.js';
import type { ProgressEvent, StageState } from '../../src/run/progress.js';
import { searchBlocks } from '../../src/run/search-neighbours.js';
import { shareNeighbours } from '../../src/run/share-neighbours.js';
import { stageOfStatus, statusOf } from '../../src/run/status.js';
import { withExtensibleRun } from '../../src/run/with-extensible-run.js';
import { type NeighbourMeasure, neighbourMeasures } from '../../src/tables/neighbour-measures.js';
import { bruteNeighbours } from '../helpers/brute-neighbours.js';
import { eigenshard, eigenshardUntilRecord, eigenshardUntilRename } from '../helpers/cli.js';
import { safetensors, scratchDirectory } from '../helpers/fixtures.js';
import { copyOf, EQUAL, HIDDEN, knottedModel, knottedRun, ROWS } from '../helpers/knotted-model.js';
import { seededRandom } from '../helpers/random.js';
import { runWithTables } from '../helpers/run-with-tables.js';
import { readBasis, readProjections, runHere, verifyHere } from '../helpers/runs.js';
import { sameBits } from '../helpers/same-bits.js';
import { realModelTest } from '../helpers/shared-models.js';

const K = 20;
const scratch = mkdtempSync(path.join(tmpdir(), 'eigenshard-test-'));
const model = knottedModel(scratch);
/** Of the knotted model, by the format of its partitions; tests copy what they change. */
let runs: Record<'parquet' | 'arrow', string>;

test.before(async () => {
  runs = { parquet: await knottedRun(model, 'parquet'), arrow: await knottedRun(model, 'arrow') };
});
test.after.always(() => rmSync(scratch, { recursive: true, force: true }));

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

realModelTest('neighbours of a real model are those of all pairs in float64', async (t, real) => {
  const out = path.join(scratchDirectory(t), 'run');
  await runHere({ model: real, out, partitionRows: 200 });
  await findNeighbours(out, { ...all, k: 7, workers: 1 });
  await compareWithBrute(t, out, 64, 7);
});

test('equal rows and rows of one direction are at 0 exactly, near-duplicates in their order, ties by the lower number', async (t) => {
  const run = copyOf(t, runs.parquet);
  const { manifest } = await findNeighbours(run, { ...all, k: K, workers: 2 });
  await compareWithBrute(t, run, HIDDEN, K);
  const lowest = Array.from({ length: K + 1 }, (_, place) => 3 * place);
  for (const measure of neighbourMeasures) {
    const lists = await readNeighbourLists(run, manifest, measure);
    for (const token of [0, 30, 3 * (EQUAL - 1)]) {
      const expected = lowest.filter((id) => id !== token).slice(0, K);
      t.deepEqual(lists[token], { ids: expected, values: new Array(K).fill(0) });
    }
    if (measure !== 'cosine') continue;
    t.deepEqual(lists[1043]!.ids!.slice(0, 5), [1040, 1041, 1042, 1044, 1045]);
    t.deepEqual(lists[1043]!.values!.slice(0, 5), [0, 0, 0, 0, 0]);
  }
  // The two groups of equal rows, and the near ones.
  t.deepEqual(manifest.neighbours!.summary.knots.count, 3);
  t.is(manifest.neighbours!.summary.knots.largest, EQUAL);
});

test('neighbours are the same bytes with any number of workers and of processes, and the same from any format', async (t) => {
  const request = { ...all, k: K };
  const [one, five, shared, other] = [runs.parquet, runs.parquet, runs.parquet, runs.arrow].map((run) =>
    copyOf(t, run),
  ) as [string, string, string, string];
  await findNeighbours(one, { ...request, workers: 1 });
  await findNeighbours(five, { ...request, workers: 5 });
  const parts = [];
  for (const index of [2, 0, 1])
    parts.push(await shareNeighbours(shared, { index, of: 3, source: '' }, { ...request, workers: 1 }));
  t.deepEqual(
    parts.map(({ units, computed, missing, finished }) => [units, computed, missing, finished !== null]),
    [
      [1, 1, [0, 1], false],
      [1, 1, [1], false],
      [1, 1, [], true],
    ],
  );
  const bytesOf = (run: string) => readFileSync(path.join(run, 'neighbours.parquet'));
  for (const run of [five, shared]) sameBits(t, bytesOf(run), bytesOf(one));
  t.is((await verifyHere(shared)).problems, '');
  await findNeighbours(other, { ...request, workers: 2 });
  for (const measure of neighbourMeasures)
    t.deepEqual(
      await readNeighbourLists(other, readManifest(other), measure),
      await readNeighbourLists(one, readManifest(one), measure),
    );
});

test('neighbours of some tokens are those of the table, by the measures in their order, few of them or many', async (t) => {
  const run = copyOf(t, runs.parquet);
  const measures: NeighbourMeasure[] = ['distance', 'causal_cosine'];
  const { manifest } = await findNeighbours(run, { measures, k: 5, workers: 2, backend: 'portable' });
  const stored = await Promise.all(measures.map((measure) => readNeighbourLists(run, manifest, measure)));
  const few = [1095, 30, 1, 30];
  for (const tokens of [few, [...few, 2, 3, 5, 7, 11, 1001, 1042, 1043]]) {
    const found = await nearestTokens(run, tokens, { measures, k: 5, workers: 2, backend: 'portable' });
    t.deepEqual(
      found,
      measures.flatMap((measure, m) => tokens.map((token) => ({ measure, token, ...stored[m]![token]! }))),
    );
  }
  await t.throwsAsync(nearestTokens(run, [ROWS]), { message: /has no token 1100; its tokens are 0 to 1099/ });
  await t.throwsAsync(findNeighbours(run, { k: 0 }), { message: /"k"/ });
});

test('damaged projections are refused, whatever is asked of them', async (t) => {
  const run = copyOf(t, runs.parquet);
  const file = path.join(run, readManifest(run).partitions[1]!.files[0]!.path);
  // Another number, which no arithmetic would notice.
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(bytes[5000]! ^ 1, 5000, 5001));
  for (const measures of [['causal_cosine'], ['distance']] as NeighbourMeasure[][])
    await t.throwsAsync(nearestTokens(run, [1], { measures, workers: 1 }), { message: /is damaged/ });
  await t.throwsAsync(findNeighbours(run, { workers: 1, backend: 'portable' }), { message: /is damaged/ });
});

test('DuckDB and Polars read the lists, and the command prints what they come to', async (t) => {
  const run = copyOf(t, runs.parquet);
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
  t.throws(() => refuseAtlas(atlas), { message: /exists already/ });
  t.false((await findNeighbours(run, { k: 3, measures: ['cosine', 'causal_distance'] })).isNew);
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
  writeFileSync(ids, '4 4.5');
  const refused = await eigenshard(...asked, '--ids', ids);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /expected numbers of tokens.*"4\.5"/);
});

test('a search that is killed goes on with what it had found, status says how far it is, and the bytes are the same', async (t) => {
  const run = copyOf(t, runs.parquet);
  const file = path.join(run, 'neighbours.parquet');
  const asked = ['neighbours', run, '-k', '4', '--backend', 'portable', '--quiet', '--workers', '1'];
  const killed = await eigenshardUntilRecord(asked, { folder: 'run', records: 1, signal: 'SIGKILL' });
  t.is(killed.code, null);
  const status = statusOf(run);
  t.deepEqual([status.isFinished, status.search], [true, { k: 4, measures: ['causal_cosine'] }]);
  t.like(stageOfStatus(status, 'neighbours'), { units: 3, done: 1, missing: [1, 2] });
  // With all units done, before their lists are.
  t.is((await eigenshardUntilRecord(asked, { folder: 'run', records: 3, signal: 'SIGKILL' })).code, null);
  t.like(stageOfStatus(statusOf(run), 'neighbours'), { done: 3, missing: [] });
  // With the manifest in place, before the file is.
  t.is((await eigenshardUntilRename(asked, file)).code, null);
  t.false(existsSync(file));
  t.is(readManifest(run).neighbours!.k, 4);
  t.is((await verifyHere(run)).problems, '');
  const { isNew } = await findNeighbours(run, { k: 4, workers: 1, backend: 'portable' });
  t.false(isNew);
  t.is(statusOf(run).search, null);
  const whole = copyOf(t, runs.parquet);
  await findNeighbours(whole, { k: 4, workers: 2, backend: 'portable' });
  sameBits(t, readFileSync(file), readFileSync(path.join(whole, 'neighbours.parquet')));
});

test('units that were done are not computed again, those of another request are', async (t) => {
  const run = copyOf(t, runs.parquet);
  const request = { k: 4, workers: 1, backend: 'portable' } as const;
  await shareNeighbours(run, { index: 0, of: 2, source: '' }, request);
  const totals: [string, number | null][] = [];
  const watched = {
    onProgress: ({ event, stage }: ProgressEvent & { stage?: StageState }) => {
      if (event === 'finished' && (stage?.name === 'neighbours' || stage?.name === 'lists'))
        totals.push([stage.name, stage.total]);
    },
  };
  await findNeighbours(run, { ...request, ...watched });
  await t.throwsAsync(findNeighbours(run, { ...request, k: 5 }), {
    message: /has neighbours already, 4 of each token by causal_cosine\. Give --overwrite to replace them/,
  });
  await findNeighbours(run, { ...request, k: 5, overwrite: true, ...watched });
  // 775 rows are none of another's equal; units 0 and 2 were done.
  const [, left] = neighbourUnits({ rows: 775, d: HIDDEN, k: 4, measures: 1 });
  t.deepEqual(totals, [
    ['neighbours', left!.share],
    ['lists', 775],
    ['neighbours', 775],
    ['lists', 775],
  ]);
  for (const folder of ['done', 'parts', '.eigenshard.export']) t.false(existsSync(path.join(run, folder)));
});

test('what a search has left whose table is in place is removed by whoever asks for the same, parts without records too', async (t) => {
  const [run, left] = [copyOf(t, runs.parquet), scratchDirectory(t)];
  const request = { k: 4, workers: 1, backend: 'portable' } as const;
  const share = { index: 0, of: 2, source: '' };
  await shareNeighbours(run, share, request);
  for (const folder of ['done', 'parts'])
    cpSync(path.join(run, folder), path.join(left, folder), { recursive: true });
  await findNeighbours(run, request);
  const isLeft = () => ['done', 'parts'].some((folder) => existsSync(path.join(run, folder)));
  t.false(isLeft());
  for (const folders of [['done', 'parts'], ['parts']])
    for (const again of [() => findNeighbours(run, request), () => shareNeighbours(run, share, request)]) {
      for (const folder of folders)
        cpSync(path.join(left, folder), path.join(run, folder), { recursive: true });
      await again();
      t.false(isLeft(), `${folders}`);
    }
  // Another search, which is under way.
  await shareNeighbours(run, share, { ...request, k: 5, overwrite: true });
  for (const again of [() => findNeighbours(run, request), () => shareNeighbours(run, share, request)]) {
    await again();
    t.is(statusOf(run).search!.k, 5);
  }
});

test('groups and blocks of any size, one thread that knows what others have found or several that do not, give the same bytes', async (t) => {
  const request = { ...all, k: K };
  const one = copyOf(t, runs.parquet);
  await findNeighbours(one, { ...request, workers: 1 });
  for (const [groupRows, blockRows, workers] of [
    [100, 37, 1],
    [267, 300, 3],
    [900, 16, 2],
  ] as const) {
    const run = copyOf(t, runs.parquet);
    await withContext(workers, {}, (context) =>
      withExtensibleRun(run, context, async (locked) => {
        const search = await openWholeSearch(locked, request, 'portable');
        const about = { rows: search.distinct.length, d: HIDDEN, k: K, measures: all.measures.length };
        const units = neighbourUnits(about, groupRows).map((unit) => ({
          ...unit,
          blocks: splitRows(unit.group.count, blockRows),
        }));
        await addNeighbours(locked, { ...search, units });
      }),
    );
    sameBits(
      t,
      readFileSync(path.join(run, 'neighbours.parquet')),
      readFileSync(path.join(one, 'neighbours.parquet')),
    );
  }
});

test('2,100 equal rows and near-duplicates in groups far from each other are found as by one query after the other', async (t) => {
  const scratch = scratchDirectory(t);
  const [d, rows] = [6, 6500];
  const random = seededRandom(8);
  const bits = new Uint16Array(rows * d);
  for (let row = 0; row < rows; row++) {
    const own = bits.subarray(row * d, (row + 1) * d);
    if (row % 3 === 1 && row < 6300) own.set(bits.subarray(0, d));
    else if (row >= 6000) {
      // One step of bfloat16 from a row of another group.
      own.set(bits.subarray((row - 5998) * d, (row - 5997) * d));
      own[row % d]!++;
    } else own.set(new Uint16Array(Float32Array.from(own, random).buffer).filter((_, k) => k % 2 === 1));
  }
  const file = path.join(scratch, 'model.safetensors');
  const tensor = { name: 'lm_head.weight', dtype: 'BF16', shape: [rows, d] };
  writeFileSync(file, safetensors([{ ...tensor, data: new Uint8Array(bits.buffer) }]));
  const out = path.join(scratch, 'run');
  await runHere({ model: file, out, partitionRows: 1700, tables: 'none' });
  const request = { k: 5, measures: ['causal_cosine', 'distance'] as NeighbourMeasure[], workers: 2 };
  const { manifest } = await findNeighbours(out, { ...request, backend: 'portable' });
  t.is(manifest.neighbours!.summary.knots.largest >= 2101, true);
  const tokens = Array.from({ length: rows }, (_, token) => token).filter((token) => token % 5 < 2);
  const found = await nearestTokens(out, tokens, { ...request, backend: 'portable' });
  for (const [m, measure] of request.measures.entries()) {
    const stored = await readNeighbourLists(out, manifest, measure);
    t.deepEqual(
      found.slice(m * tokens.length, (m + 1) * tokens.length).map(({ ids, values }) => ({ ids, values })),
      tokens.map((token) => stored[token]!),
      measure,
    );
  }
});

test('a query that next to nothing was kept of is compared with all rows again', async (t) => {
  const run = copyOf(t, runs.parquet);
  const request = { measures: [...neighbourMeasures], k: 3 };
  await withContext(1, {}, async (context) => {
    const manifest = readManifest(run);
    const search = await openWholeSearch({ directory: run, manifest, context }, request, 'portable');
    const own = search.distinct.slice(0, 20);
    const blocks = [{ own, projections: null, isCentred: true }];
    // Of which all rows were passed over, as their thresholds say.
    const none = {
      ids: new Int32Array(20 * keptPlaces(3)).fill(-1),
      thresholds: new Float32Array(20).fill(0.5),
    };
    const keptOf = () => request.measures.map(() => none);
    const expected = await searchBlocks(search.run, { ...request, blocks }, 'neighbours', context);
    t.deepEqual(await searchBlocks(search.run, { ...request, blocks, keptOf }, 'lists', context), expected);
  });
});

test('verify names a damaged table of neighbours, which is found again, and a run that is mended does without', async (t) => {
  const out = copyOf(t, runs.parquet);
  const config = { model, out, partitionRows: 700, tables: 'none' } as const;
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
