import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { eigenshard } from '../helpers/cli.js';
import { runWithTables } from '../helpers/run-with-tables.js';

test('every view answers, and a path may hold any character', async (t) => {
  const run = await runWithTables(t);
  const directory = path.join(path.dirname(run.directory), "it's [a] *? run");
  renameSync(run.directory, directory);
  const rows = { projections: 300, tokens: 300, eigenvectors: 24, extremes: 720, histograms: 6144 };
  for (const [view, expected] of Object.entries(rows)) {
    const { code, stdout, stderr } = await eigenshard(
      'sql',
      directory,
      `SELECT count(*) AS n FROM ${view}`,
      '--json',
    );
    t.is(code, 0, stderr);
    t.deepEqual(JSON.parse(stdout), [{ n: expected }]);
  }
});

test('rows are printed as a table, as JSON, and as comma-separated values', async (t) => {
  const { directory } = await runWithTables(t);
  const query =
    'SELECT token_id, text, is_orphan FROM tokens WHERE token_id IN (2, 3, 299) ORDER BY token_id';
  t.deepEqual((await eigenshard('sql', directory, query)).stdout.split('\n'), [
    'token_id  text           is_orphan',
    '--------  -------------  ---------',
    '       2  \\u{1b}[31mred  false',
    '       3  "              false',
    '     299                 true',
    '3 rows',
    '',
  ]);
  t.deepEqual(JSON.parse((await eigenshard('sql', directory, query, '--json')).stdout)[1], {
    token_id: 3,
    text: '"',
    is_orphan: false,
  });
  t.is(
    (await eigenshard('sql', directory, query, '--csv')).stdout,
    'token_id,text,is_orphan\r\n2,\u001b[31mred,false\r\n3,"""",false\r\n299,,true\r\n',
  );
});

test('a text that begins with U+FEFF is printed whole, in every form and inside of other values', async (t) => {
  const { directory } = await runWithTables(t);
  const tokens = 'SELECT token_id, text FROM tokens WHERE token_id IN (6, 7) ORDER BY token_id';
  t.deepEqual((await eigenshard('sql', directory, tokens)).stdout.split('\n').slice(2, 4), [
    '       6  \\u{feff}',
    '       7  \\u{feff}using',
  ]);
  t.deepEqual(JSON.parse((await eigenshard('sql', directory, tokens, '--json')).stdout), [
    { token_id: 6, text: '\ufeff' },
    { token_id: 7, text: '\ufeffusing' },
  ]);
  t.is(
    (await eigenshard('sql', directory, tokens, '--csv')).stdout,
    'token_id,text\r\n6,\ufeff\r\n7,\ufeffusing\r\n',
  );

  const nested = `SELECT [text] AS list, {'a': text} AS struct, MAP {text: 1} AS map, text::VARIANT AS variant,
    text::ENUM('\ufeff') AS enumerated, length(text) AS "\ufefflength" FROM tokens WHERE token_id = 6`;
  t.deepEqual(JSON.parse((await eigenshard('sql', directory, nested, '--json')).stdout), [
    {
      list: ['\ufeff'],
      struct: { a: '\ufeff' },
      map: [{ key: '\ufeff', value: 1 }],
      variant: '\ufeff',
      enumerated: '\ufeff',
      '\ufefflength': 1,
    },
  ]);
});

test('an answer without rows is one', async (t) => {
  const { directory } = await runWithTables(t);
  const query = 'SELECT token_id FROM tokens WHERE false';
  t.is((await eigenshard('sql', directory, query)).stdout, 'token_id\n--------\n0 rows\n');
  t.deepEqual(JSON.parse((await eigenshard('sql', directory, query, '--json')).stdout), []);
});

test('float32 is printed with its own digits, and a wide integer whole', async (t) => {
  const { directory } = await runWithTables(t);
  const query = 'SELECT 0.1::FLOAT AS f, 9007199254740993 AS wide, 7::BIGINT AS n, [1, 2] AS list';
  const { stdout } = await eigenshard('sql', directory, query, '--json');
  t.deepEqual(JSON.parse(stdout), [{ f: 0.1, wide: '9007199254740993', n: 7, list: [1, 2] }]);
});

test('nothing is written, and nothing read but the run', async (t) => {
  const { directory } = await runWithTables(t);
  const before = readdirSync(directory);
  const target = path.join(directory, 'copy.csv');
  for (const query of [
    `COPY tokens TO '${target}'`,
    `COPY tokens TO '${path.join(directory, 'tokens.parquet')}' (FORMAT parquet)`,
    'CREATE TABLE t AS SELECT 1',
    'DROP VIEW tokens',
    "ATTACH 'other.db'",
    'SET enable_external_access = true',
    "SELECT * FROM read_text('/etc/hostname')",
    `SELECT * FROM read_text('${path.join(directory, 'manifest.json')}')`,
  ]) {
    const { code, stdout, stderr } = await eigenshard('sql', directory, query);
    t.is(code, 2, query);
    t.is(stdout, '', query);
    t.regex(stderr, /^eigenshard: sql: /, query);
  }
  t.false(existsSync(target));
  t.deepEqual(readdirSync(directory), before);
});

test('what is wrong with a query is said in one message', async (t) => {
  const { directory } = await runWithTables(t);
  for (const [query, message] of [
    ['SELEC 1', /syntax error at or near "SELEC"/],
    ['SELECT nothing FROM tokens', /"nothing" not found/],
    ['', /expected a statement/],
    [' -- a comment', /expected a statement/],
    ['SELECT 1; SELECT 2', /expected one statement, not 2/],
  ] as const) {
    const { code, stderr } = await eigenshard('sql', directory, query);
    t.is(code, 2, query);
    t.regex(stderr, message);
    t.notRegex(stderr, /\n\s+at /, 'a stack');
  }
});

test('a view that a run does not have says why', async (t) => {
  const { directory } = await runWithTables(t);
  rmSync(path.join(directory, 'extremes.parquet'));
  const { code, stderr } = await eigenshard('sql', directory, 'SELECT * FROM extremes');
  t.is(code, 2);
  t.regex(stderr, /this run has no extremes\.parquet/);
  rmSync(path.join(directory, 'projections'), { recursive: true });
  const projections = await eigenshard('sql', directory, 'SELECT * FROM projections');
  t.regex(projections.stderr, /a partition of this run is missing: .*part-00000\.parquet/);
  t.is((await eigenshard('sql', directory, 'SELECT count(*) FROM tokens')).code, 0);
});
