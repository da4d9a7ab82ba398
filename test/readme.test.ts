import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Json } from '@duckdb/node-api';
import test from 'ava';
import { querySql } from '../src/queries/sql.js';
import { topTokens } from '../src/queries/top.js';
import { runWithTables } from './helpers/run-with-tables.js';
import { readBasis, readProjections } from './helpers/runs.js';

/** Compiled, this file is dist/test/readme.test.js of the checkout. */
const readme = readFileSync(path.resolve(import.meta.dirname, '../../README.md'), 'utf8');

/** The query of the README whose comment begins so. */
function queryOf(comment: string): string {
  const found = [...readme.matchAll(/```sql\n([\s\S]*?)```/g)].find(([, sql]) =>
    sql!.startsWith(`-- ${comment}`),
  );
  if (found === undefined) throw new Error(`the README has no query "${comment}"`);
  return found[1]!;
}

async function answer(
  { directory, manifest }: Awaited<ReturnType<typeof runWithTables>>,
  comment: string,
): Promise<Record<string, Json>[]> {
  return querySql(directory, manifest, queryOf(comment), async ({ columns, chunks }) => {
    const rows: Record<string, Json>[] = [];
    for await (const chunk of chunks) {
      for (const row of chunk) rows.push(Object.fromEntries(columns.map(({ name }, k) => [name, row[k]!])));
    }
    return rows;
  });
}

test('the closest tokens to a direction are those of top', async (t) => {
  const run = await runWithTables(t);
  const rows = await answer(run, 'The tokens closest to a direction');
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
  const rows = await answer(run, 'The tokens that the causal metric distorts most');
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
  const rows = await answer(run, 'Where the cloud is widest');
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
