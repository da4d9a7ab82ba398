import test from 'ava';
import { addressOf, choiceOf } from '../../../src/report/client/address.js';

const opening = { index: 3, token: null, measure: 'causal_cosine' } as const;
const page = { rows: 2000, hidden: 64, opening };

test('a choice comes back from its address', (t) => {
  for (const choice of [
    { index: 2, token: 1234, measure: 'causal_cosine' },
    { index: 63, token: null, measure: 'projection' },
    { index: 0, token: 0, measure: 'euclidean_cosine' },
  ] as const) {
    t.deepEqual(choiceOf(addressOf(choice), page), { choice, problems: [] });
  }
  t.is(addressOf({ index: 2, token: 1234, measure: 'causal_cosine' }), '#e=2&t=1234&m=causal_cosine');
});

test('what an address leaves out is as a page opens, and one of a section names no choice', (t) => {
  t.deepEqual(choiceOf('#t=5', page)?.choice, { ...opening, token: 5 });
  for (const fragment of ['', '#', '#spectrum']) t.is(choiceOf(fragment, page), null);
});

test('what this page does not have is named and left out', (t) => {
  for (const fragment of ['#e=64', '#e=-1', '#e=1.5', '#e=', '#t=2000', '#m=angle', '#e=1e1', '#e=<b>']) {
    const { choice, problems } = choiceOf(fragment, page)!;
    t.deepEqual(choice, opening, fragment);
    t.is(problems.length, 1, fragment);
  }
});
