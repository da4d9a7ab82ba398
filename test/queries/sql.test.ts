import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { sqlText } from '../../src/commands/sql-text.js';
import { memoryLimit } from '../../src/queries/memory-limit.js';
import { querySql } from '../../src/queries/sql.js';
import { viewsOfRun } from '../../src/queries/views.js';
import type { FinishedRun } from '../../src/run/coordinator.js';
import { answer } from '../helpers/answers.js';
import { eigenshard, start } from '../helpers/cli.js';
import { runWithTables } from '../helpers/run-with-tables.js';
import { readBasis } from '../helpers/runs.js';

/** What `sql` answers, row by row. */
async function rowsOf({ directory, manifest }: FinishedRun, query: string): Promise<unknown[][]> {
  return querySql({ views: viewsOfRun(directory, manifest) }, query, async ({ chunks }) => {
    const rows: unknown[][] = [];
    for await (const chunk of chunks) rows.push(...chunk);
    return rows;
  });
}

/** Every view of a run, and how many rows it has in `runWithTables`. */
const rowsOfViews = {
  projections: 300,
  tokens: 300,
  eigenvectors: 24,
  extremes: 720,
  histograms: 6144,
  basis: 24,
};

test('every view answers, and a path may hold any character', async (t) => {
  const run = await runWithTables(t);
  const directory = path.join(path.dirname(run.directory), "it's [a] *? run");
  renameSync(run.directory, directory);
  for (const [view, expected] of Object.entries(rowsOfViews)) {
    const { code, stdout, stderr } = await answer(
      'sql',
      directory,
      `SELECT count(*) AS n FROM ${view}`,
      '--json',
    );
    t.is(code, 0, stderr);
    t.deepEqual(JSON.parse(stdout), [{ n: expected }]);
  }
});

test('every column of every view can be named as it stands', async (t) => {
  const run = await runWithTables(t);
  for (const [view, expected] of Object.entries(rowsOfViews)) {
    const columns = await rowsOf(run, `DESCRIBE ${view}`);
    t.true(columns.length > 1, view);
    for (const [name] of columns) {
      const rows = await rowsOf(run, `SELECT ${name} FROM ${view}`).catch(String);
      t.is(rows.length, expected, `${view}.${name}: ${rows}`);
    }
  }
});

test('basis holds the eigenvectors, also in a query that joins it or names it in capitals', async (t) => {
  const run = await runWithTables(t);
  const d = run.manifest.model.hidden;
  const { eigenvectors } = await readBasis(run.directory, d);
  const expected = Array.from({ length: d }, (_, j) => [
    j,
    Array.from({ length: d }, (_, i) => eigenvectors[i * d + j]!),
  ]);
  for (const query of [
    'SELECT index, vector FROM basis ORDER BY index',
    'SELECT index, vector FROM basis JOIN eigenvectors USING (index) ORDER BY index',
    '-- a comment\nFROM "BASIS" SELECT * ORDER BY ALL;',
  ])
    t.deepEqual(await rowsOf(run, query), expected, query);
});

test('an attached run is behind its name, and a batch shows its summary', async (t) => {
  const { directory } = await runWithTables(t);
  const other = path.join(path.dirname(directory), 'other');
  cpSync(directory, other, { recursive: true });
  const query = `SELECT count(*) AS n FROM tokens JOIN b.tokens o USING (token_id, norm)
    WHERE (SELECT count(*) FROM b.basis JOIN basis USING (index, vector)) = 24`;
  const { stdout, stderr } = await answer('sql', directory, query, '--attach', `b=${other}`, '--json');
  t.is(stdout, '[\n{"n":300}\n]\n', stderr);
  for (const [name, message] of [
    ['order', /"order" cannot be the name of a run .*syntax error/],
    ['a b', /"a b" cannot be the name of a run .*letters, digits and _/],
    ['main', /"main" cannot be the name of a run .*already exists/],
  ] as const) {
    const refused = await answer('sql', directory, 'SELECT 1', '--attach', `${name}=${other}`);
    t.is(refused.code, 2);
    t.regex(refused.stderr, message);
  }
  t.regex((await answer('sql', directory, 'SELECT 1', '--attach', 'b')).stderr, /It must be name=directory/);
});

test('a query comes from a file or standard input as well, and there is exactly one', async (t) => {
  const { directory } = await runWithTables(t);
  const query = `-- "both" 'quotes'\nSELECT '"' AS text;\n`;
  const file = path.join(directory, 'q.sql');
  writeFileSync(file, `\ufeff${query}`);
  const expected = 'text\r\n""""\r\n';
  t.is((await answer('sql', directory, '--file', file, '--csv')).stdout, expected);
  t.is((await start(['sql', directory, '-', '--csv'], {}, query).ended).stdout, expected);
  for (const [args, message] of [
    [[], /expected one query/],
    [['SELECT 1', '--file', file], /expected one query/],
    [['--file', `${file}.no`], /q\.sql\.no: cannot read the query: there is no such file/],
    [['SELECT 1', '--csv', '--digits', '3'], /csv has all digits/],
    [['SELECT 1', '--csv', '--format', 'table'], /cannot be used with option/],
    [['SELECT 1', '--digits', '18'], /1 to 17, or all/],
  ] as const) {
    const { code, stderr } = await answer('sql', directory, ...args);
    t.is(code, 2, args.join(' '));
    t.regex(stderr, message);
  }
});

/** A query's answer as text. */
async function text(
  { directory, manifest }: FinishedRun,
  query: string,
  options: Parameters<typeof sqlText>[1],
): Promise<string[]> {
  return querySql({ views: viewsOfRun(directory, manifest) }, query, async (result) => {
    let all = '';
    for await (const piece of sqlText(result, options)) all += piece;
    return all.trimEnd().split('\n');
  });
}

test('on a terminal nothing acts that a text holds, also as csv and json; elsewhere it is what is stored', async (t) => {
  const run = await runWithTables(t);
  const query = `SELECT chr(27) || '[31mred' || chr(8238) || chr(155) AS x`;
  const options = { digits: 'all', isTerminal: true } as const;
  t.deepEqual(await text(run, query, { ...options, format: 'csv' }), [
    'x\r',
    '\\u{1b}[31mred\\u{202e}\\u{9b}',
  ]);
  const json = await text(run, query, { ...options, format: 'json' });
  t.is(json[1], '{"x":"\\u001b[31mred\\u202e\\u009b"}');
  t.deepEqual(JSON.parse(json.join('')), [{ x: '\u001b[31mred\u202e\u009b' }]);
  t.deepEqual(await text(run, query, { ...options, format: 'csv', isTerminal: false }), [
    'x\r',
    '\u001b[31mred\u202e\u009b',
  ]);
});

test('a query that would take more memory than it may is refused with what to do', async (t) => {
  const { directory } = await runWithTables(t);
  const query = `SELECT count(DISTINCT range::VARCHAR || repeat('y', 50)) FROM range(30000000)`;
  const { code, stderr } = await eigenshard('sql', directory, query, '--memory', '130MB');
  t.is(code, 2);
  const lines = stderr.split('\n');
  t.regex(lines[0]!, /^eigenshard: sql: Out of Memory Error: .*12\d\.\d MiB used\)$/);
  t.deepEqual(lines.slice(1), ['Ask for less at once, or give --memory a larger size', '']);
  t.regex(
    (await answer('sql', directory, query, '--memory', 'much')).stderr,
    /It must be a size such as 5GB/,
  );
});

test('a query may take half of the memory that is left, and never less than it needs to begin', (t) => {
  t.is(memoryLimit(8e9), 4e9);
  t.is(memoryLimit(1e6), 128e6);
});

test('tables round numbers, quote texts and cut long cells; csv has all of them', async (t) => {
  const run = await runWithTables(t);
  const query = `SELECT 2::DOUBLE / 3 AS x, 1234567::DOUBLE AS whole, ' t' AS a, repeat('国', 40) AS long,
    [1 / 3, 2.5] AS list, '<b>|' AS "m*"`;
  const [, , row] = await text(run, query, { format: 'table', digits: 6 });
  t.is(row, `0.666667  1234567  " t"  "${'国'.repeat(27)}"...  [0.333333,2.5]  "<b>|"`);
  const [, , fewer] = await text(run, query, { format: 'table', digits: 2 });
  t.regex(fewer!, /^ {0,4}0\.67 {2}1234567 .*\[0\.33,2\.5\]/);
  const [header, rule, cells] = await text(run, query, { format: 'markdown', digits: 'all' });
  t.is(header, '| x | whole | a | long | list | m\\* |');
  t.is(rule, '| ---: | ---: | --- | --- | --- | --- |');
  t.regex(cells!, /^\| 0\.6666666666666666 \| 1234567 \| " t" \| .* \| "\\<b\\>\\\|" \|$/);
  const [, csv] = await text(run, query, { format: 'csv', digits: 6 });
  t.true(csv!.includes('0.6666666666666666') && csv!.includes('国'.repeat(40)));
  const [plan] = await text(run, 'EXPLAIN SELECT 1', { format: 'table', digits: 6 });
  t.regex(plan!, /^┌─+┐$/);
});

test('rows are printed as a table, as JSON, and as comma-separated values', async (t) => {
  const { directory } = await runWithTables(t);
  const query =
    'SELECT token_id, text, is_orphan FROM tokens WHERE token_id IN (2, 3, 299) ORDER BY token_id';
  t.deepEqual((await answer('sql', directory, query)).stdout.split('\n'), [
    'token_id  text             is_orphan',
    '--------  ---------------  ---------',
    '       2  "\\u{1b}[31mred"  false',
    '       3  "\\""             false',
    '     299                   true',
    '3 rows',
    '',
  ]);
  t.deepEqual(JSON.parse((await answer('sql', directory, query, '--json')).stdout)[1], {
    token_id: 3,
    text: '"',
    is_orphan: false,
  });
  t.is(
    (await answer('sql', directory, query, '--csv')).stdout,
    'token_id,text,is_orphan\r\n2,\u001b[31mred,false\r\n3,"""",false\r\n299,,true\r\n',
  );
});

test('a text that begins with U+FEFF is printed whole, in every form and inside of other values', async (t) => {
  const { directory } = await runWithTables(t);
  const tokens = 'SELECT token_id, text FROM tokens WHERE token_id IN (6, 7) ORDER BY token_id';
  t.deepEqual((await answer('sql', directory, tokens)).stdout.split('\n').slice(2, 4), [
    '       6  "\\u{feff}"',
    '       7  "\\u{feff}using"',
  ]);
  t.deepEqual(JSON.parse((await answer('sql', directory, tokens, '--json')).stdout), [
    { token_id: 6, text: '\ufeff' },
    { token_id: 7, text: '\ufeffusing' },
  ]);
  t.is(
    (await answer('sql', directory, tokens, '--csv')).stdout,
    'token_id,text\r\n6,\ufeff\r\n7,\ufeffusing\r\n',
  );

  const nested = `SELECT [text] AS list, {'a': text} AS struct, MAP {text: 1} AS map, text::VARIANT AS variant,
    text::ENUM('\ufeff') AS enumerated, length(text) AS "\ufefflength" FROM tokens WHERE token_id = 6`;
  t.deepEqual(JSON.parse((await answer('sql', directory, nested, '--json')).stdout), [
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
  t.is((await answer('sql', directory, query)).stdout, 'token_id\n--------\n0 rows\n');
  t.deepEqual(JSON.parse((await answer('sql', directory, query, '--json')).stdout), []);
});

test('float32 is printed with its own digits, and a wide integer whole', async (t) => {
  const { directory } = await runWithTables(t);
  const query = 'SELECT 0.1::FLOAT AS f, 9007199254740993 AS wide, 7::BIGINT AS n, [1, 2] AS list';
  const { stdout } = await answer('sql', directory, query, '--json');
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
    const { code, stdout, stderr } = await answer('sql', directory, query);
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
    [
      'SELECT * FROM token',
      /does not exist!\nDid you mean "tokens"\?[\s\S]*\nThe views are projections, tokens, /,
    ],
    ['SELECT lambda FROM eigenvectors', /lambda is a word of SQL: .* is called eigenvalue/],
    ['', /expected a statement/],
    [' -- a comment', /expected a statement/],
    ['SELECT 1; SELECT 2', /expected one statement, not 2/],
  ] as const) {
    const { code, stderr } = await answer('sql', directory, query);
    t.is(code, 2, query);
    t.regex(stderr, message);
    t.notRegex(stderr, /\n\s+at |extract statements|pg_/, 'a stack, or what DuckDB has for itself');
  }
});

test('a statement that is no question is told that a run is only read, and what there is instead', async (t) => {
  const { directory } = await runWithTables(t);
  for (const [query, message] of [
    [
      'DELETE FROM tokens',
      /sql: DELETE is not for a finished run\. It is only read: ask with SELECT, DESCRIBE or/,
    ],
    ['/* x */ insert into tokens values (1)', /sql: INSERT is not for a finished run/],
    ['UPDATE tokens SET norm = 1', /sql: UPDATE is not/],
    ['DROP TABLE tokens', /sql: DROP is not/],
    ["COPY tokens TO 'x.csv'", /sql: COPY is not .*; --csv or --json print the answer/],
    ["EXPORT DATABASE 'x'", /sql: EXPORT is not .*; --csv or --json print the answer/],
    ["ATTACH 'x.db'", /sql: ATTACH is not .*; --attach name=DIR/],
    ["SET memory_limit = '1GB'", /sql: SET is not .*; --memory/],
    ['CREATE TABLE x (a INT)', /sql: CREATE is not .*; WITH name AS/],
    ['INSTALL json', /sql: INSTALL is not/],
    [
      'WITH a AS (SELECT 1) DELETE FROM tokens',
      /Can only delete from base table\nIt is only read: ask with SELECT/,
    ],
    ["SELECT * FROM 'x.parquet'", /A query sees the views of its runs, and no other file/],
  ] as const) {
    const { code, stderr } = await answer('sql', directory, query);
    t.is(code, 2, query);
    t.regex(stderr, message);
  }
});

test('a view that a run does not have says why', async (t) => {
  const { directory } = await runWithTables(t);
  rmSync(path.join(directory, 'extremes.parquet'));
  const { code, stderr } = await answer('sql', directory, 'SELECT * FROM extremes');
  t.is(code, 2);
  t.regex(stderr, /extremes: \S+extremes\.parquet is missing\. The run's own command with --resume/);
  rmSync(path.join(directory, 'projections'), { recursive: true });
  const projections = await answer('sql', directory, 'SELECT * FROM projections');
  t.regex(projections.stderr, /part-00000\.parquet is missing\. The run's own command with --resume/);
  t.is((await answer('sql', directory, 'SELECT count(*) FROM tokens')).code, 0);
});

test('a damaged table is named, whatever is damaged of it, and the others answer', async (t) => {
  const { directory } = await runWithTables(t);
  const file = path.join(directory, 'tokens.parquet');
  const whole = readFileSync(file);
  const pages = Buffer.from(whole).fill(0xff, 4, 300);
  for (const damaged of [Buffer.alloc(0), whole.subarray(0, whole.length / 2), pages]) {
    writeFileSync(file, damaged);
    const { code, stderr } = await answer('sql', directory, 'SELECT * FROM tokens');
    t.is(code, 2);
    t.regex(stderr, /tokens\.parquet: is not as the run wrote it: .*`verify` tells/);
    t.is((await answer('sql', directory, 'SELECT count(*) FROM extremes')).code, 0);
  }
});
