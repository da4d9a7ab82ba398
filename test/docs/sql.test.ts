import path from 'node:path';
import { DuckDBInstance, type Json } from '@duckdb/node-api';
import test from 'ava';
import type { PlannedRun } from '../../src/batch/batch-plan.js';
import { writeBatchSummary } from '../../src/batch/batch-summary.js';
import { querySql, type SqlSources } from '../../src/queries/sql.js';
import { topTokens } from '../../src/queries/top.js';
import { viewsOfRun } from '../../src/queries/views.js';
import type { FinishedRun } from '../../src/run/coordinator.js';
import { findNeighbours } from '../../src/run/find-neighbours.js';
import { calls } from '../helpers/command-lines.js';
import { blocksIn, documentNamed } from '../helpers/documents.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { runWithTables } from '../helpers/run-with-tables.js';
import { readBasis, readProjections } from '../helpers/runs.js';

type Row = Record<string, Json>;

/** The query of docs/sql.md that this sentence introduces. */
function queryAfter(sentence: string): string {
  const [, rest = ''] = documentNamed('docs/sql.md').text.split(sentence);
  const query = /```sql\n([\s\S]*?)```/.exec(rest)?.[1];
  if (query === undefined) throw new Error(`docs/sql.md has no query after "${sentence}"`);
  return query;
}

/** What `sql` answers. */
async function answer({ directory, manifest }: FinishedRun, query: string): Promise<Row[]> {
  return answerOf({ views: viewsOfRun(directory, manifest) }, query);
}

async function answerOf(sources: SqlSources, query: string): Promise<Row[]> {
  return querySql(sources, query, async ({ columns, chunks }) => {
    const rows: Row[] = [];
    for await (const chunk of chunks) {
      for (const row of chunk) rows.push(Object.fromEntries(columns.map(({ name }, k) => [name, row[k]!])));
    }
    return rows;
  });
}

/** What DuckDB answers that was not started by `sql`. */
async function answerFromFiles(query: string): Promise<unknown[]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  try {
    return (await connection.runAndReadAll(query)).getRows();
  } finally {
    connection.closeSync();
  }
}

test('every query of every document gives rows', async (t) => {
  const made = await runWithTables(t);
  const run = {
    ...made,
    ...(await findNeighbours(made.directory, { k: 3, workers: 1, backend: 'portable' })),
  };
  const series = scratchDirectory(t);
  const planned = { index: 0, name: 'made-up', config: { out: run.directory } } as PlannedRun;
  writeBatchSummary(series, [
    { status: 'finished', run: planned, manifest: run.manifest, finishedBefore: false },
  ]);
  const file = { path: path.join(series, 'summary.parquet'), record: null };
  const ofBatch = { views: { summary: { is: 'files', files: [file], formerColumns: {} } } } as const;
  const views = viewsOfRun(run.directory, run.manifest);
  const ofRun = { views, attached: { other: views } };
  // What begins with - is an option, or standard input.
  const inCommands = calls.filter(
    ({ args: [command, , query = '-'] }) => command === 'sql' && !query.startsWith('-'),
  );
  const queries = [
    ...inCommands.map(({ document, args: [, directory, query = ''] }) => ({
      document,
      query,
      sources: directory === 'runs/series' ? ofBatch : ofRun,
      asksForWords: directory === 'runs/glove',
    })),
    ...blocksIn('sql').map(({ document, code: query }) => ({
      ...{ document, query, sources: ofRun },
      asksForWords: document === 'docs/questions.md',
    })),
  ];
  t.true(queries.length >= 11, `${queries.length} queries are found`);
  for (const { document, query, sources, asksForWords } of queries) {
    const here = query.replace("'runs/series/", `'${series}/`).replace(/'runs\/\w+\//, `'${run.directory}/`);
    const rows = await (here === query ? answerOf(sources, query) : answerFromFiles(here)).catch(String);
    // English words are no tokens of the made-up run.
    t.true(Array.isArray(rows) && (asksForWords || rows.length > 0), `${document}: ${query}\n${rows}`);
  }
});

test('a query of a document can be given to sql as one argument', (t) => {
  for (const { document, code } of blocksIn('sql')) t.false(code.startsWith('-'), `${document}: ${code}`);
});

test('the closest tokens to a direction are those of top', async (t) => {
  const run = await runWithTables(t);
  const rows = await answer(run, queryAfter('The tokens closest to a direction'));
  const top = await topTokens(run.directory, run.manifest, {
    eigenvector: run.manifest.model.hidden - 1,
    sides: ['+', '-'],
    measure: 'causal_cosine',
    count: 5,
  });
  t.deepEqual(
    rows.map(({ side, place, token_id }) => ({ side, place, token_id })),
    top.map(({ side, place, token_id }) => ({ side, place, token_id })),
  );
});

test('the most distorted tokens are those of the largest ratio of norms', async (t) => {
  const run = await runWithTables(t);
  const rows = await answer(run, queryAfter('The tokens that the causal metric distorts most'));
  const d = run.manifest.model.hidden;
  const { values, ids } = await readProjections(run.directory);
  const { eigenvalues } = await readBasis(run.directory, d);
  const distortion = ids.map((i) => {
    const p = [...values.subarray(i * d, (i + 1) * d)];
    return Math.hypot(...p.map((value, j) => Math.sqrt(eigenvalues[j]!) * value)) / Math.hypot(...p);
  });
  const expected = ids.toSorted((a, b) => distortion[b]! - distortion[a]!).slice(0, 10);
  t.deepEqual(
    rows.map((row) => row.token_id),
    expected,
  );
});

test('the cloud is widest where z reaches farthest', async (t) => {
  const run = await runWithTables(t);
  const rows = await answer(run, queryAfter('Where the cloud is widest'));
  const d = run.manifest.model.hidden;
  const { values, ids } = await readProjections(run.directory);
  const { eigenvalues } = await readBasis(run.directory, d);
  const diameter = Array.from(eigenvalues, (lambda, j) => {
    const z = ids.map((i) => Math.sqrt(lambda) * values[i * d + j]!);
    return Math.max(...z) - Math.min(...z);
  });
  const expected = [...diameter.keys()].sort((a, b) => diameter[b]! - diameter[a]!).slice(0, 10);
  t.deepEqual(
    rows.map((row) => row.index),
    expected,
  );
  t.true(rows.every((row) => Math.abs((row.diameter as number) - diameter[row.index as number]!) <= 1e-9));
});

test('the causal weights are falling, and their shares sum up', async (t) => {
  const run = await runWithTables(t);
  const rows = await answer(run, queryAfter('The directions of the largest causal weight'));
  const { eigenvalues } = await readBasis(run.directory, run.manifest.model.hidden);
  const falling = [...eigenvalues].reverse();
  const trace = falling.reduce((sum, lambda) => sum + lambda, 0);
  let before = 0;
  for (const [k, { eigenvalue, share, cumulative }] of rows.entries()) {
    before += falling[k]!;
    t.is(eigenvalue, falling[k]!);
    t.true(Math.abs((share as number) - falling[k]! / trace) < 1e-12);
    t.true(Math.abs((cumulative as number) - before / trace) < 1e-12);
  }
});

test("the tokens nearest to a vector of one's own are those of the largest cosine with it", async (t) => {
  const run = await runWithTables(t);
  const rows = await answer(run, queryAfter("The tokens nearest to a vector of one's own"));
  const d = run.manifest.model.hidden;
  const { values, ids } = await readProjections(run.directory);
  // In the eigenbasis that vector is 0.8 and 0.6 along the axes 3 and 4.
  const cosines = ids.map((i) => {
    const p = values.subarray(i * d, (i + 1) * d);
    return (0.8 * p[3]! + 0.6 * p[4]!) / Math.hypot(...p);
  });
  const expected = ids.toSorted((a, b) => cosines[b]! - cosines[a]!).slice(0, 10);
  t.deepEqual(
    rows.map((row) => row.token_id),
    expected,
  );
  t.true(rows.every((row) => Math.abs((row.cosine as number) - cosines[row.token_id as number]!) < 1e-6));
});

test('the neighbours of a token are those of the largest causal cosine', async (t) => {
  const run = await runWithTables(t);
  const rows = await answer(run, queryAfter('The neighbours of a token'));
  const d = run.manifest.model.hidden;
  const { values, ids } = await readProjections(run.directory);
  const { eigenvalues } = await readBasis(run.directory, d);
  const z = ids.map((i) => Array.from(eigenvalues, (lambda, j) => Math.sqrt(lambda) * values[i * d + j]!));
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, j) => sum + value * b[j]!, 0);
  const cosines = z.map((other) => dot(other, z[14]!) / Math.sqrt(dot(other, other) * dot(z[14]!, z[14]!)));
  const expected = ids.toSorted((a, b) => cosines[b]! - cosines[a]!).slice(0, 10);
  t.deepEqual(
    rows.map((row) => row.token_id),
    expected,
  );
  t.true(
    rows.every((row) => Math.abs((row.causal_cosine as number) - cosines[row.token_id as number]!) < 1e-9),
  );
});
