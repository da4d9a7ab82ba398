import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { openRun } from '../../src/index.js';
import { type Manifest, readManifest } from '../../src/output/manifest.js';
import { querySql } from '../../src/queries/sql.js';
import { topTokens } from '../../src/queries/top.js';
import { viewsOfRun } from '../../src/queries/views.js';
import { readContents } from '../../src/report/read-contents.js';
import { answer } from '../helpers/answers.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { runHere, shardedModel } from '../helpers/runs.js';

/** A run that was written in layout 1, of `shardedModel(60, 8)` in partitions of 25 rows; compiled, this is dist/test/run. */
const golden = path.resolve(import.meta.dirname, '../../../test/golden/layout-1');

test('a run of layout 1 is verified, and damage of it noticed', async (t) => {
  const model = shardedModel(t, 60, 8).directory;
  const run = path.join(scratchDirectory(t), 'run');
  cpSync(golden, run, { recursive: true });
  const whole = await answer('verify', run, '--model', model, '--quiet');
  t.is(whole.code, 0, whole.stdout + whole.stderr);

  const partition = path.join(run, 'projections/part-00001.parquet');
  const bytes = readFileSync(partition);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(partition, bytes);
  const damaged = await answer('verify', run, '--model', model, '--quiet');
  t.is(damaged.code, 3);
  t.regex(damaged.stdout, /part-00001.parquet: CRC-32 differs/);
});

test('a run of layout 1 is read: basis, tables, projections, top and sql', async (t) => {
  const { directory: model, rows, hidden } = shardedModel(t, 60, 8);
  const now = await runHere({ model, out: path.join(scratchDirectory(t), 'now'), partitionRows: 25, top: 3 });
  const [former, latter] = [await openRun(golden), await openRun(now.directory)];
  // Another processor may round the last bits of a product in another way.
  const close = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).every((value, k) => Math.abs(value - b[k]!) <= 1e-5 * Math.abs(b[k]!) + 1e-6);
  t.true(close((await former.basis()).eigenvectors, (await latter.basis()).eigenvectors));
  const all = { first: 0, count: rows };
  t.true(close(await former.projections(all), await latter.projections(all)));
  const norms = await Promise.all(
    [former, latter].map(async (run) => (await run.table('tokens')).numbers('norm')),
  );
  t.true(close(norms[0]!, norms[1]!));
  const request = { eigenvector: hidden - 1, sides: ['+'], measure: 'causal_cosine', count: 5 } as const;
  const ids = async (directory: string, manifest: Manifest) =>
    (await topTokens(directory, manifest, request)).map(({ token_id }) => token_id);
  t.deepEqual(await ids(golden, former.manifest), await ids(now.directory, latter.manifest));
  const answer = (query: string) =>
    querySql({ views: viewsOfRun(golden, former.manifest) }, query, async ({ chunks }) => {
      for await (const chunk of chunks) return chunk;
      return [];
    });
  t.deepEqual(await answer('SELECT count(*) FROM projections'), [[String(rows)]]);
  const eigenvalues = (await former.basis()).eigenvalues;
  t.deepEqual(
    await answer('SELECT eigenvalue FROM eigenvectors ORDER BY index'),
    Array.from(eigenvalues, (value) => [value]),
  );
  t.deepEqual(await (await former.table('eigenvectors')).numbers('eigenvalue'), eigenvalues);
  const { head } = await readContents(golden, former.manifest);
  t.deepEqual(
    head.eigenvectorColumns,
    (await readContents(now.directory, latter.manifest)).head.eigenvectorColumns,
  );
});

test('a run of layout 1 is not continued, but can be replaced', async (t) => {
  const model = shardedModel(t, 60, 8).directory;
  const out = path.join(scratchDirectory(t), 'run');
  cpSync(golden, out, { recursive: true });
  await t.throwsAsync(runHere({ model, out }, { resume: true }), {
    message: /finished run in layout 1.*--overwrite/,
  });
  await runHere({ model, out, tables: 'none' }, { overwrite: true });
  t.is(readManifest(out).layout, 2);
  t.is((await answer('verify', out, '--quiet')).code, 0);
});
