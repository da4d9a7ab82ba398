import test from 'ava';
import { csvText } from '../../../src/report/client/csv-text.js';

test('fields with commas, quotes or line feeds are quoted', (t) => {
  const rows = [
    ['a,b', '"'],
    ['\n', 'plain'],
    ['', ' x'],
  ];
  t.is(csvText({ columns: ['one', 'two'], rows }), 'one,two\r\n"a,b",""""\r\n"\n",plain\r\n, x\r\n');
});

test('a text that a spreadsheet would compute gets an apostrophe, a number does not', (t) => {
  const texts = {
    '=1+1': "'=1+1",
    '+cmd': "'+cmd",
    '-1+1': "'-1+1",
    '@SUM(A1)': "'@SUM(A1)",
    '\t=1': "'\t=1",
    ' =1': "' =1",
    '＝1': "'＝1",
    '=a,"b"': `"'=a,""b"""`,
    '-0.5': '-0.5',
    '+1e-7': '+1e-7',
    'a=b': 'a=b',
    '"=1"': '"""=1"""',
  };
  for (const [text, field] of Object.entries(texts))
    t.is(csvText({ columns: [text], rows: [[text]] }), `${field}\r\n${field}\r\n`);
  t.is(csvText({ columns: ['a'], rows: [[-0.5]] }), 'a\r\n-0.5\r\n');
});

test('numbers keep what float32 holds, in the fewest digits; an undefined one is empty', (t) => {
  const values = [Math.fround(0.1), Math.fround(1 / 3), -151_935, 1e-30, 16_777_217, Number.NaN];
  const [, row] = csvText({ columns: [], rows: [values] }).split('\r\n');
  const fields = row!.split(',');
  t.is(fields[0], '0.1');
  t.is(fields[2], '-151935');
  t.is(fields[4], '16777217', 'ids are whole numbers, not float32');
  t.is(fields[5], '');
  for (const k of [0, 1, 3]) t.is(Math.fround(Number(fields[k])), Math.fround(values[k]!));
});
