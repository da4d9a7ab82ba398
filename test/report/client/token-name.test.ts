import test from 'ava';
import { shortened, shownText, typedText } from '../../../src/report/client/token-name.js';

const texts = [
  ' the',
  '\n',
  ' ',
  '␣',
  'a\\n',
  '"',
  '\u00a0',
  '\ufeffusing',
  '国\t',
  'plain',
  '  two  spaces ',
];

test('a name shows spaces, and what is typed as it shows them means the same text', (t) => {
  t.is(shownText(' the'), '"␣the"');
  t.is(shownText('␣\n'), '"\\u{2423}\\n"');
  for (const text of texts) t.is(typedText(shownText(text).slice(1, -1)), text, shownText(text));
});

test('plain spaces mean themselves, and what is no escape stays as it was typed', (t) => {
  for (const typed of [' the', 'C:\\dir', '\\', '\\u', '\\u{110000}', '\\d+']) t.is(typedText(typed), typed);
});

test('a name is cut only where it is long', (t) => {
  t.is(shortened('a'.repeat(60)), 'a'.repeat(60));
  t.is(shortened('a'.repeat(61)), `${'a'.repeat(59)}…`);
  t.is(shortened('😀'.repeat(61)), `${'😀'.repeat(59)}…`);
});
