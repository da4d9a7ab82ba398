import { readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { topTokens } from '../../src/queries/top.js';
import { ANGLE_STEP, extremesStart, type ReportHead } from '../../src/report/contents.js';
import { type PackedArray, unpackArrays } from '../../src/report/packed-arrays.js';
import { writeReport } from '../../src/report/write-report.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { runWithTables } from '../helpers/run-with-tables.js';
import { runHere, shardedModel } from '../helpers/runs.js';

function contents(page: string): { head: ReportHead; arrays: Record<string, PackedArray> } {
  const part = (id: string) => new RegExp(`id="${id}">([^<]*)<`).exec(page)![1]!;
  const head = JSON.parse(part('head')) as ReportHead;
  return { head, arrays: unpackArrays(head.entries, gunzipSync(Buffer.from(part('payload'), 'base64'))) };
}

test('the page holds the tables: extremes, counts, texts', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  const record = await writeReport(directory, manifest);
  const file = readFileSync(path.join(directory, record.path));
  t.is(record.bytes, file.length);
  const { head, arrays } = contents(file.toString());
  t.deepEqual(head.places, { shown: 5, stored: 5 });
  t.deepEqual(head.directions, { shown: 8, stored: 8 });
  t.deepEqual(head.histogram, manifest.tables!.histogram);

  const [first] = await topTokens(directory, manifest, {
    eigenvector: 3,
    sides: ['-'],
    measure: 'causal_cosine',
    count: 1,
  });
  const at = extremesStart(head.places.shown, 3, 'causal_cosine', '-');
  t.is(arrays['extreme.token_id']![at], first!.token_id);
  t.is(arrays['extreme.value']![at], Math.fround(first!.value));
  t.true(Math.abs(arrays['extreme.angle']![at]! * ANGLE_STEP - first!.angle!) <= ANGLE_STEP / 2);

  const counts = arrays['histogram.count']!;
  let sum = 0;
  for (const count of counts) sum += count;
  t.is(sum, 24 * 300);
  t.is(arrays['token.text_bytes']![299], -1);
  t.true(new TextDecoder().decode(arrays['token.text'] as Uint8Array).includes(' word100 word101'));
});

test('a long list of extremes is cut, and the page says so', async (t) => {
  const model = shardedModel(t, 120, 8).directory;
  const { directory } = await runHere({ model, out: path.join(scratchDirectory(t), 'run'), top: 60 });
  const page = readFileSync(path.join(directory, 'report.html'), 'utf8');
  t.deepEqual(contents(page).head.places, { shown: 50, stored: 60 });
  t.true(page.includes('The 50 most extreme tokens a side (the table holds 60).'));
});

test('the same results give the same bytes', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  t.deepEqual(await writeReport(directory, manifest), manifest.report);
});

test('nothing of a token or a name can end its script element, and the policy allows no network', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  const name = '</title><script>alert(1)</script>';
  await writeReport(directory, { ...manifest, model: { ...manifest.model, name } });
  const page = readFileSync(path.join(directory, 'report.html'), 'utf8');
  t.is(page.split('<script').length - 1, 3);
  t.is(page.split('</script>').length - 1, 3);
  t.regex(
    page,
    /Content-Security-Policy" content="default-src &#39;none&#39;; script-src &#39;sha256-\S+&#39;; style-src &#39;sha256-/,
  );
  t.notRegex(page, /<(link|img|iframe)\b|\bsrc=|@import|url\(/);
});

test('a table that is missing or damaged is named, and no report is left half-written', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  rmSync(path.join(directory, 'report.html'));
  truncateSync(path.join(directory, 'histograms.parquet'), 100);
  await t.throwsAsync(writeReport(directory, manifest), {
    instanceOf: InputError,
    message: /histograms\.parquet: is not as the run wrote it: it has 100 bytes, not/,
  });
  rmSync(path.join(directory, 'tokens.parquet'));
  await t.throwsAsync(writeReport(directory, manifest), {
    instanceOf: InputError,
    message: /tokens\.parquet/,
  });
  t.deepEqual(
    readdirSync(directory).filter((name) => name.includes('report')),
    [],
  );
});

test('tables of another shape are refused', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  const model = { ...manifest.model, rows: 299 };
  await t.throwsAsync(writeReport(directory, { ...manifest, model }), {
    instanceOf: InputError,
    message: /holds 300 rows, not 299/,
  });
});
