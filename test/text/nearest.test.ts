import test from 'ava';
import { nearest } from '../../src/text/nearest.js';

test('a mistyped word is answered with the nearest one, however its letters are wrong', (t) => {
  const known = ['model', 'metric', 'exports', 'format'];
  for (const [word, meant] of [
    ['modl', 'model'],
    ['Metrci', 'metric'],
    ['export', 'exports'],
    ['fromat', 'format'],
    ['modells', 'model'],
  ] as const) {
    t.is(nearest(word, known), meant);
  }
  for (const word of ['', 'xyz', 'ridge', 'mo', 'a word of many letters']) t.is(nearest(word, known), null);
});

test('a word of twenty million letters is near to none, and costs nothing', (t) => {
  t.is(nearest('b'.repeat(20e6), ['model', 'metric', 'b'.repeat(1000)]), null);
});
