import test from 'ava';
import { searchTokens } from '../../../src/report/client/search-tokens.js';

const texts = [' other', null, 'The', 'theory', ' the', '4', 'lot 4'];

test('equal texts come first, then those that begin with the query, then the others', (t) => {
  t.deepEqual(searchTokens(texts, 'the', 10), { ids: [2, 4, 3, 0], count: 4 });
});

test('the token of that id comes before texts with the number', (t) => {
  t.deepEqual(searchTokens(texts, '4', 10), { ids: [4, 5, 6], count: 3 });
  t.deepEqual(searchTokens(texts, '1', 10).ids, [1], 'a token without text');
});

test('no more than asked for are given, and all are counted', (t) => {
  t.deepEqual(searchTokens(texts, 'the', 2), { ids: [2, 4], count: 4 });
});

test('an empty query finds nothing', (t) => {
  t.deepEqual(searchTokens(texts, '  ', 10), { ids: [], count: 0 });
});
