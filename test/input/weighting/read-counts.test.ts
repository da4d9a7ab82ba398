import { readFileSync } from 'node:fs';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import test from 'ava';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { Tokenizer } from '../../../src/input/tokenizer/tokenizer.js';
import { readCounts } from '../../../src/input/weighting/read-counts.js';
import { scratchDirectory, scratchFile } from '../../helpers/fixtures.js';

/** A tokenizer of these texts. @param bytes ids of tokens that stand for one byte */
function tokenizerOf(of: readonly (string | null)[], bytes: readonly number[] = []): Tokenizer {
  return {
    text: (id: number) => of[id] ?? null,
    isByte: (id: number) => bytes.includes(id),
    isPartial: () => false,
  } as unknown as Tokenizer;
}

const texts = ['a', ' b', '"', 'same', 'same', null];
const tokenizer = tokenizerOf(texts);
const open = async () => tokenizer;
const ROWS = texts.length;

test('counts are read by token id or text, from three formats, whatever else the file has', async (t) => {
  const files = [
    scratchFile(t, 'ids.csv', 'rank,Count,token_id\n1,5,2\n2,0.5,0\n'),
    scratchFile(t, 'texts.tsv', 'text\tcount\n""""\t5\na\t0.5\n'),
    scratchFile(t, 'both.csv', 'token,id,frequency\nwrong,2,5\nx,0,.5\n'),
    scratchFile(
      t,
      'ids.parquet',
      new Uint8Array(
        parquetWriteBuffer({
          columnData: [
            { name: 'token_id', type: 'INT64', data: [2n, 0n] },
            { name: 'count', type: 'DOUBLE', data: [5, 0.5] },
          ],
        }),
      ),
    ),
    scratchFile(
      t,
      'texts.parquet',
      new Uint8Array(
        parquetWriteBuffer({
          columnData: [
            { name: 'text', type: 'STRING', data: ['"', 'a'] },
            { name: 'count', type: 'DOUBLE', data: [5, 0.5] },
          ],
        }),
      ),
    ),
  ];
  for (const file of files) {
    const { counts, notes } = await readCounts(file, ROWS, open);
    t.deepEqual([...counts], [0.5, 0, 5, 0, 0, 0], file);
    t.deepEqual(notes, []);
  }
});

test('counts that DuckDB has summed up are read, by id and by text, as whole, decimal and floating numbers', async (t) => {
  const directory = scratchDirectory(t);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const file = path.join(directory, 'c.parquet');
  for (const [name, tokens, type] of [
    ['token_id', ['2', '0'], 'BIGINT'],
    ['id', ['2::BIGINT', '0'], 'DECIMAL(18, 3)'],
    ['id', ['2::UTINYINT', '0'], 'DOUBLE'],
    ['text', [`'"'`, `'a'`], 'HUGEINT'],
    ['token', [`'"'`, `'a'`], 'VARCHAR'],
  ] as const) {
    for (const version of ['V1', 'V2']) {
      const rows = `SELECT ${tokens[0]} AS ${name}, 5 AS n UNION ALL SELECT ${tokens[1]}, 3`;
      await connection.run(
        `COPY (SELECT * EXCLUDE n, n::${type} AS count, [n] AS other FROM (${rows})) TO '${file}' (PARQUET_VERSION ${version})`,
      );
      const { counts } = await readCounts(file, ROWS, open);
      t.deepEqual([...counts], [3, 0, 5, 0, 0, 0], `${name}, ${type}, ${version}`);
    }
  }
  connection.closeSync();
});

test('texts that no token or several have are left out, counted and shown', async (t) => {
  const file = scratchFile(t, 'c.csv', 'text,count\n b,6\nnone,1\nsame,2\n"",1\n');
  const { counts, notes } = await readCounts(file, ROWS, open);
  t.deepEqual([...counts], [0, 6, 0, 0, 0, 0]);
  t.deepEqual(notes, [
    'of 4 texts in c.csv 2 match no token ("none", "") and 1 match several ("same"): they are left out, with 40 % of the ' +
      'counts; token ids leave none out',
  ]);
});

test('a byte for want of a token gives way to an ordinary token of its text, and has it where there is none', async (t) => {
  const ofBytes = tokenizerOf(['A', 'B', 'A', ' A', '<0xE4>'], [0, 1, 4]);
  const file = scratchFile(t, 'c.csv', 'text,count\nA,6\nB,3\n A,1\n<0xE4>,2\n');
  const { counts, leftOut, notes } = await readCounts(file, 5, async () => ofBytes);
  t.deepEqual([...counts], [0, 3, 6, 1, 2]);
  t.is(leftOut, 0);
  t.deepEqual(notes, []);
});

test('the share that is left out is told in decimal digits, of counts whose sum is no float64 too', async (t) => {
  for (const [text, share, told] of [
    ['text,count\na,316\nnone,684\n', 0.684, '68.4 %'],
    ['text,count\na,1e308\nnone,1e308\nsame,1e308\n', 2 / 3, '66.7 %'],
    ['text,count\na,1\nnone,0\n', 0, '0 %'],
  ] as const) {
    const { leftOut, notes } = await readCounts(scratchFile(t, 'c.csv', text), ROWS, open);
    t.true(Math.abs(leftOut - share) <= 1e-15);
    t.true(notes[0]!.includes(`with ${told} of the counts`), notes[0]);
  }
});

test('what is no count of a token is refused with its row', async (t) => {
  for (const [text, message] of [
    ['id,n\n1,2\n', /expected a column token_id or id of token ids, .*found "id", "n"/],
    ['count\n1\n', /expected a column token_id or id/],
    ['id,count\n', /has no rows below the names of its columns/],
    ['id,count\n1,x\n', /the count of row 1 is "x", expected a number from 0/],
    ['id,count\n1,1\n2,-3\n', /the count of row 2 is "-3"/],
    ['id,count\n1,NaN\n', /the count of row 1 is "NaN"/],
    ['id,count\n1,\n', /the count of row 1 is ""/],
    ['id,count\n1,1e999\n', /the count of row 1 is "1e999"/],
    [
      'id,count\n6,1\n',
      /the token id of row 1 is "6", expected a whole number from 0 to 5, of the 6 rows that take part/,
    ],
    ['id,count\n-1,1\n', /the token id of row 1 is "-1"/],
    ['id,count\n1.5,1\n', /the token id of row 1 is "1\.5"/],
    ['id,count\n,1\n', /the token id of row 1 is ""/],
    ['id,count\n4,1\n2,1\n4,1\n', /rows 1 and 3 both name the token 4; add up their counts/],
    ['text,count\na,1\na,1\n', /rows 1 and 2 both name the token "a"/],
    ['id,count\n1,0\n2,0\n', /no token has a count above 0: there is nothing to weigh by/],
    ['text,count\nzzz,4\n', /no token has a count above 0 \(of 1 text in .* 1 match no token/],
    ['id,count\n0x1,2\n', /the token id of row 1 is "0x1", expected a whole number/],
    ['id,count\n1,0b11\n', /the count of row 1 is "0b11", expected a number from 0/],
    ['id,token_id,count\n1,1,2\n', /has the columns "id" and "token_id", of which one alone can be meant/],
    ['id,count,counts\n1,1,2\n', /has the columns "count" and "counts"/],
    ['token,text,count\na,a,2\n', /has the columns "token" and "text"/],
    ['text,count\nzzz,0\n', /no token has a count above 0 \(of 1 text .* 0 % of the counts/],
    ['id,count\n1,2,3\n', /line 2 has 3 fields, expected 2/],
  ] as const)
    await t.throwsAsync(readCounts(scratchFile(t, 'c.csv', text), ROWS, open), { message }, text);
  const named = scratchFile(t, 'c.csv', 'text,count\na,1\n');
  await t.throwsAsync(
    readCounts(named, ROWS, async () => null),
    { message: /the checkpoint has no tokenizer to look them up in/ },
  );
  await t.throwsAsync(readCounts(scratchFile(t, 'c.json', '{}'), ROWS, open), {
    message: /expected a \.parquet, \.csv or \.tsv file/,
  });
  const cut = scratchFile(t, 'c.parquet', readFileSync(named));
  await t.throwsAsync(readCounts(cut, ROWS, open), {
    message: /cannot read the counts of tokens: .*Save it again, as Parquet with Snappy/,
  });
  await t.throwsAsync(readCounts(`${named}.tsv`, ROWS, open), { message: /the counts of tokens/ });
});
