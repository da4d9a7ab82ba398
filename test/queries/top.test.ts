import { readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { topText } from '../../src/commands/top-text.js';
import { InputError } from '../../src/errors.js';
import { openRun } from '../../src/output/open-run.js';
import { topTokens } from '../../src/queries/top.js';
import { measures, sides } from '../../src/tables/measures.js';
import { answer } from '../helpers/answers.js';
import { runWithTables, TOP } from '../helpers/run-with-tables.js';

test('more tokens than the table holds are computed from the partitions, and begin with the same', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  for (const measure of measures) {
    const request = { eigenvector: 11, sides, measure };
    const stored = await topTokens(directory, manifest, { ...request, count: TOP });
    const computed = await topTokens(directory, manifest, { ...request, count: 50 });
    t.is(computed.length, 100);
    const first = computed.filter(({ place }) => place <= TOP);
    t.deepEqual(
      first.map(({ side, place, token_id, text }) => ({ side, place, token_id, text })),
      stored.map(({ side, place, token_id, text }) => ({ side, place, token_id, text })),
    );
    for (const [k, { value, angle }] of first.entries()) {
      t.true(Math.abs(value - stored[k]!.value) <= 1e-14);
      t.true(Math.abs(angle! - stored[k]!.angle!) <= 1e-9);
    }
  }
});

test('a damaged eigenbasis is told with what to do, by all that shows what rests on it', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  const file = path.join(directory, manifest.eigenbasis.path);
  const bytes = readFileSync(file);
  bytes[bytes.length - 5]! ^= 1;
  for (const damage of [
    () => writeFileSync(file, bytes),
    () => truncateSync(file, 100),
    () => unlinkSync(file),
  ]) {
    damage();
    for (const call of [
      ['top', directory, '-e', '0'],
      ['report', directory],
      ['sql', directory, 'SELECT index FROM basis'],
    ]) {
      const { code, stdout, stderr } = await answer(...call);
      t.is(code, 2, `${call}: ${stdout}`);
      t.regex(
        stderr,
        /^eigenshard: [^\n]*eigenbasis\.safetensors: is not as the run wrote it: [^\n]* --resume [^\n]*\n$/,
      );
    }
    await t.throwsAsync((await openRun(directory)).basis(), { message: /eigenbasis\.safetensors: / });
  }
});

test('no more tokens than there are can be had', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  const request = { eigenvector: 0, sides: ['+'], measure: 'projection', count: 1000 } as const;
  const tokens = await topTokens(directory, manifest, request);
  t.is(tokens.length, 300);
  t.deepEqual(
    tokens.map(({ value }) => value),
    tokens.map(({ value }) => value).sort((a, b) => b - a),
  );
});

test('a run without Parquet partitions says how many tokens it has', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  const partitions = manifest.partitions.map((partition) => ({ ...partition, files: [] }));
  const request = { eigenvector: 0, sides, measure: 'projection', count: 6 } as const;
  await t.throwsAsync(topTokens(directory, { ...manifest, partitions }, request), {
    instanceOf: InputError,
    message: /holds 5 tokens a side; more are computed from Parquet partitions/,
  });
});

test('a manifest that names a file outside of the run is refused', async (t) => {
  const { directory, manifest } = await runWithTables(t);
  const file = { path: '../elsewhere.parquet', bytes: 1, sha256: '', crc32: 0 };
  const partitions = manifest.partitions.map((partition) => ({ ...partition, files: [file] }));
  const request = { eigenvector: 0, sides, measure: 'projection', count: 6 } as const;
  await t.throwsAsync(topTokens(directory, { ...manifest, partitions }, request), {
    instanceOf: InputError,
    message: /lies outside of the run/,
  });
});

test('a side is a table of its own, and texts cannot act on a terminal', (t) => {
  const token = { side: '+', place: 1, token_id: 7, text: '\u001b[2J', value: 0.25, angle: 75.52 } as const;
  const text = topText({ eigenvector: 3, sides: ['+'], measure: 'causal_cosine', count: 1 }, [token]);
  t.deepEqual(text.split('\n'), [
    'eigenvector 3, + side, by causal_cosine, largest first',
    'token_id  text            value  angle',
    '--------  -----------  --------  -----',
    '       7  "\\u{1b}[2J"  0.250000  75.52',
  ]);
});

test('the command prints a table, or JSON, and refuses what is not there', async (t) => {
  const { directory } = await runWithTables(t);
  const table = await answer('top', directory, '--eigenvector', '23', '--measure', 'causal', '-k', '3');
  t.is(table.code, 0, table.stderr);
  t.regex(table.stdout, /eigenvector 23, \+ side[\s\S]*eigenvector 23, - side/);
  const json = await answer('top', directory, '--eigenvector', '23', '--side', '-', '-k', '3', '--json');
  const tokens = JSON.parse(json.stdout);
  t.is(tokens.length, 3);
  t.deepEqual(Object.keys(tokens[0]), ['side', 'place', 'token_id', 'text', 'value', 'angle']);
  for (const [asked, measure] of [
    ['-1', 'causal_cosine'],
    ['last', 'causal'],
  ] as const) {
    const same = await answer(
      ...['top', directory, '-e', asked, '--measure', measure, '--side', '-', '-k', '3', '--json'],
    );
    t.is(same.stdout, json.stdout, same.stderr);
  }
  t.regex(
    (await answer('top', directory, '-e', '0', '--measure', 'cosine')).stderr,
    /choices are projection, euclidean_cosine, causal_cosine, euclidean, causal/,
  );
  t.regex(
    (await answer('top', directory, '-e', '-25')).stderr,
    /no eigenvector -25; .* -1 to -24 from the end/,
  );
  const absent = await answer('top', directory, '--eigenvector', '24');
  t.is(absent.code, 2);
  t.regex(absent.stderr, /no eigenvector 24; its indices are 0 to 23/);
  writeFileSync(path.join(directory, 'extremes.parquet'), 'no table');
  const damaged = await answer('top', directory, '--eigenvector', '1');
  t.is(damaged.code, 2);
  t.regex(
    damaged.stderr,
    /extremes\.parquet: is not as the run wrote it: it has \d+ bytes, not \d+\. `verify` tells/,
  );
});
