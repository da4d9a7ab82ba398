import test from 'ava';
import stringWidth from 'string-width';
import { firstLines } from '../../src/text/first-lines.js';
import { shortText } from '../../src/text/short-text.js';
import { textTable } from '../../src/text/text-table.js';

test('a text that fits stays what it is, and a longer one ends with an ellipsis', (t) => {
  t.is(shortText('abcde', 5), 'abcde');
  t.is(shortText('abcdef', 5), 'abcd…');
  t.is(shortText('中国人', 6), '中国人');
  t.is(shortText('中国人民', 6), '中国…');
  t.is(shortText('👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 5), '👩‍👩‍👧‍👦👩‍👩‍👧‍👦…');
});

test('a text of megabytes, or of marks without width, is cut too', (t) => {
  t.is(shortText('x'.repeat(2e7), 10), `${'x'.repeat(9)}…`);
  const marks = shortText(`a${'\u0301'.repeat(1e6)}`, 10);
  t.true(marks.length < 100);
  t.true(stringWidth(marks) <= 10);
});

test('one cell of a megabyte makes no table of megabytes', (t) => {
  const lines = textTable([{ name: 'text', align: 'left' }], [['x'.repeat(1e6)], ...Array(500).fill(['a'])]);
  t.is(lines[2], `${'x'.repeat(119)}…`);
  t.is(lines[3], 'a');
});

test('of many lines the first are shown and the others counted', (t) => {
  t.is(firstLines(['a', 'b']), 'a\nb');
  const lines = firstLines(Array.from({ length: 1e5 }, (_, k) => String(k))).split('\n');
  t.is(lines.length, 21);
  t.is(lines[20], '... and 99980 more');
});
