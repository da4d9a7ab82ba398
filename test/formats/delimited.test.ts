import test from 'ava';
import fc from 'fast-check';
import { readDelimited } from '../../src/formats/delimited.js';

test('fields are told apart by the separator, and rows by line ends of either kind', (t) => {
  const expected = {
    names: ['a', 'b'],
    rows: [
      ['1', ''],
      ['x y', '2'],
    ],
  };
  t.deepEqual(readDelimited('a,b\n1,\nx y,2\n', ','), expected);
  t.deepEqual(readDelimited('\uFEFFa\tb\r\n1\t\r\n\r\nx y\t2', '\t'), expected);
});

test('a quoted field may hold separators, line ends, and marks that are doubled', (t) => {
  t.deepEqual(readDelimited('a,b\n"x,""\ny",""\n', ',').rows, [['x,"\ny', '']]);
  t.deepEqual(readDelimited('a\n""\n', ',').rows, [['']], 'a quoted empty field is no empty line');
  t.deepEqual(readDelimited('a\nx"y\n', ',').rows, [['x"y']], 'a mark within a field is text');
  t.deepEqual(readDelimited('a,b\n\r,1\n', ',').rows, [['\r', '1']], 'a lone carriage return is text');
});

test('whatever texts are written so are read again', (t) => {
  const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string()), { minLength: 1 }), (rows) => {
      const text = ['n,m', ...rows.map((row) => row.map(quoted).join(','))].join('\r\n');
      t.deepEqual(readDelimited(text, ',').rows, rows);
    }),
  );
  t.pass();
});

test('what is no table is refused by its line', (t) => {
  for (const [text, message] of [
    ['', /is empty, expected a first line that names the columns/],
    ['\n\n', /is empty/],
    ['a,b\n1,2\n3\n', /line 3 has 1 fields, expected 2 as in the first line/],
    ['a,b\n"1\n2",3\n4,5,6\n', /line 4 has 3 fields/],
    ['a\n1\n"x\n', /line 3 begins a quotation that does not end/],
    ['a\n"x"y\n', /line 2 has text behind the quotation/],
  ] as const)
    t.throws(() => readDelimited(text, ','), { instanceOf: RangeError, message });
});
