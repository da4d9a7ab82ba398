import test from 'ava';
import { addressOf, choiceOf } from '../../../src/report/client/address.js';

const size = { rows: 2000, hidden: 64 };

test('a choice comes back from its address', (t) => {
  for (const choice of [
    { index: 2, token: 1234, measure: 'causal_cosine' },
    { index: 63, token: null, measure: 'projection' },
    { index: 0, token: 0, measure: 'euclidean_cosine' },
  ] as const) {
    t.deepEqual(choiceOf(addressOf(choice), size), { choice, problems: [] });
  }
  t.is(addressOf({ index: 2, token: 1234, measure: 'causal_cosine' }), '#e=2&t=1234&m=causal_cosine');
});

test('what an address leaves out is as a page opens, and one of a section names no choice', (t) => {
  t.deepEqual(choiceOf('#t=5', size)?.choice, { index: 0, token: 5, measure: 'causal_cosine' });
  for (const fragment of ['', '#', '#spectrum']) t.is(choiceOf(fragment, size), null);
});

test('what this page does not have is named and left out', (t) => {
  for (const fragment of ['#e=64', '#e=-1', '#e=1.5', '#e=', '#t=2000', '#m=angle', '#e=1e1', '#e=<b>']) {
    const { choice, problems } = choiceOf(fragment, size)!;
    t.deepEqual(choice, { index: 0, token: null, measure: 'causal_cosine' }, fragment);
    t.is(problems.length, 1, fragment);
  }
});
