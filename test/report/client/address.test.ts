import test from 'ava';
import { addressOf, choiceOf } from '../../../src/report/client/address.js';

const opening = {
  index: 3,
  token: null,
  measure: 'causal_cosine',
  x: 3,
  y: 4,
  near: 'causal_cosine',
} as const;
const page = { rows: 2000, hidden: 64, nearBy: ['causal_cosine', 'distance'] as const, opening };

test('a choice comes back from its address', (t) => {
  for (const choice of [
    { ...opening, index: 2, token: 1234 },
    { ...opening, index: 63, measure: 'projection' },
    { ...opening, index: 0, token: 0, measure: 'euclidean_cosine' },
    { ...opening, x: 0, y: 63, near: 'distance' },
  ] as const) {
    t.deepEqual(choiceOf(addressOf(choice, opening), page), { choice, problems: [] });
  }
  t.is(addressOf({ ...opening, index: 2, token: 1234 }, opening), '#e=2&t=1234&measure=causal_cosine');
  const others = { ...opening, x: 0, y: 9, near: 'distance' } as const;
  t.is(addressOf(others, opening), '#e=3&measure=causal_cosine&x=0&y=9&near=distance');
});

test('an address of a former page is understood', (t) => {
  t.deepEqual(choiceOf('#e=2&t=7&m=projection', page), {
    choice: { ...opening, index: 2, token: 7, measure: 'projection' },
    problems: [],
  });
});

test('what an address leaves out is as a page opens, and one of a section names no choice', (t) => {
  t.deepEqual(choiceOf('#t=5', page)?.choice, { ...opening, token: 5 });
  for (const fragment of ['', '#', '#spectrum']) t.is(choiceOf(fragment, page), null);
});

test('what this page does not have is named and left out', (t) => {
  for (const fragment of [
    ...[
      '#e=64',
      '#e=-1',
      '#e=1.5',
      '#e=',
      '#t=2000',
      '#m=angle',
      '#e=1e1',
      '#e=<b>',
      '#x=64',
      '#y=y',
      '#e=%',
    ],
    ...[
      '#near=cosine',
      '#measure=',
      '#E=5',
      `#t=${'9'.repeat(5000)}`,
      '#e=%0a%e2%80%ae',
      '#=',
      '#constructor=1',
    ],
  ]) {
    const { choice, problems } = choiceOf(fragment, page)!;
    t.deepEqual(choice, opening, fragment);
    t.is(problems.length, 1, fragment);
    t.true(problems[0]!.length < 160, problems[0]);
    t.notRegex(problems[0]!, /[\n\u{202e}]/u);
  }
});
