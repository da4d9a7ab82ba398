import { readFileSync } from 'node:fs';
import test from 'ava';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { Tokenizer } from '../../../src/input/tokenizer/tokenizer.js';
import { readCounts } from '../../../src/input/weighting/read-counts.js';
import { scratchFile } from '../../helpers/fixtures.js';

const texts = ['a', ' b', '"', 'same', 'same', null];
const tokenizerOf = (names: readonly (string | null)[], bytes: readonly number[] = []) =>
  ({ text: (id: number) => names[id] ?? null, isByte: (id: number) => bytes.includes(id) }) as Tokenizer;
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

test('texts that no token or several have are left out, counted and shown', async (t) => {
  const file = scratchFile(t, 'c.csv', 'text,count\n b,6\nnone,1\nsame,2\n"",1\n');
  const { counts, notes } = await readCounts(file, ROWS, open);
  t.deepEqual([...counts], [0, 6, 0, 0, 0, 0]);
  t.deepEqual(notes, [
    'of 4 texts in c.csv 2 match no token ("none", "") and 1 match several ("same"): they are left out, with 40 % of the ' +
      'counts; token ids leave none out',
  ]);
});

test('the text of a token is not that of a byte as well', async (t) => {
  const file = scratchFile(t, 'c.csv', 'text,count\nA,6\nB,1\n');
  const { counts, notes } = await readCounts(file, 4, async () => tokenizerOf(['A', 'B', 'A', 'x'], [0, 1]));
  t.deepEqual([[...counts], notes], [[0, 1, 6, 0], []]);
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
    message: /cannot read the counts of tokens: .*Give another file/,
  });
  await t.throwsAsync(readCounts(`${named}.tsv`, ROWS, open), { message: /the counts of tokens/ });
});
