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
