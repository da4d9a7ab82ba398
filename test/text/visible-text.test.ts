import test from 'ava';
import { harmlessText, visibleText } from '../../src/text/visible-text.js';

test('printable text of any script stands as it is, in quotes', (t) => {
  t.is(visibleText(' the'), '" the"');
  t.is(visibleText('中国 лы 👍'), '"中国 лы 👍"');
  t.is(visibleText('<img src=x>'), '"<img src=x>"');
});

test('what is invisible, or acts on a terminal, is escaped', (t) => {
  t.is(visibleText('\u001b[31m'), '"\\u{1b}[31m"');
  t.is(visibleText('a\nb\tc\r'), '"a\\nb\\tc\\r"');
  t.is(visibleText('\u202e\u200b\u00a0\ufeff'), '"\\u{202e}\\u{200b}\\u{a0}\\u{feff}"');
  t.is(visibleText('\ud800'), '"\\u{d800}"');
  t.is(visibleText('\u0301'), '"\\u{301}"', 'a mark without its letter');
  t.is(visibleText('e\u0301'), '"e\u0301"');
});

test('quotes and backslashes are escaped, so that no two texts look the same', (t) => {
  t.is(visibleText('"\\n'), '"\\"\\\\n"');
  t.not(visibleText('\n'), visibleText('\\n'));
});

test('harmless text has no quotes of its own', (t) => {
  t.is(harmlessText('say "a"\\ \u001b\n'), 'say "a"\\ \\u{1b}\\n');
});
