import test from 'ava';
import { searchTokens } from '../../../src/report/client/search-tokens.js';

const texts = [' other', null, 'The', 'theory', ' the', '4', 'lot 4', 'the', '\n', ' ', 'a\nb', ' these'];
const every = { most: 20, matchCase: false };

test('equal texts come first, then in another case, but for spaces, texts that begin with the query, and others', (t) => {
  t.deepEqual(searchTokens(texts, 'the', every), { ids: [7, 2, 4, 3, 11, 0], count: 6 });
  t.deepEqual(searchTokens(texts, 'THE', every).ids, [2, 7, 4, 3, 11, 0]);
});

test('spaces of the query count, also alone', (t) => {
  t.deepEqual(searchTokens(texts, ' the', every).ids, [4, 11]);
  t.deepEqual(searchTokens(texts, 'the ', every).ids, []);
  t.deepEqual(searchTokens(texts, ' ', every).ids, [9, 0, 4, 11, 6]);
  t.deepEqual(searchTokens(texts, '\n', every).ids, [8, 10]);
});

test('upper and lower case count where they are to match', (t) => {
  t.deepEqual(searchTokens(texts, 'The', { most: 20, matchCase: true }).ids, [2]);
  t.deepEqual(searchTokens(texts, 'the', { most: 20, matchCase: true }).ids, [7, 4, 3, 11, 0]);
});

test('the token of that id comes before texts with the number', (t) => {
  t.deepEqual(searchTokens(texts, '4', every), { ids: [4, 5, 6], count: 3 });
  t.deepEqual(searchTokens(texts, '1', every).ids, [1], 'a token without text');
  t.deepEqual(searchTokens(texts, ' 4', every).ids, [6], 'a space makes it a text');
});

test('no more than asked for are given, and all are counted', (t) => {
  t.deepEqual(searchTokens(texts, 'the', { most: 2, matchCase: false }), { ids: [7, 2], count: 6 });
});

test('an empty query finds nothing', (t) => {
  t.deepEqual(searchTokens(texts, '', every), { ids: [], count: 0 });
});
