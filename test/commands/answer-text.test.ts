import test from 'ava';
import { answerJson, screenText } from '../../src/commands/answer-text.js';

test('a screen has lines of a bounded length, in which nothing acts on a terminal', (t) => {
  t.is(screenText('a\n  b 中\n'), 'a\n  b 中\n');
  t.is(screenText('\u001b[2Jname\u202e'), '\\u{1b}[2Jname\\u{202e}');
  const line = screenText('x'.repeat(1e7));
  t.true(line.length < 5000);
  t.true(line.endsWith('…'));
});

test('JSON for a terminal has escapes for what would act on it, and means the same', (t) => {
  const value = { '\u202ename': '\u001b[2J\u009b \u{e0001} 中 é' };
  t.is(answerJson(value, false), JSON.stringify(value));
  const shown = answerJson(value, true);
  t.is(shown, '{"\\u202ename":"\\u001b[2J\\u009b \\udb40\\udc01 中 é"}');
  t.deepEqual(JSON.parse(shown), value);
});
