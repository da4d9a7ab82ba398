import test from 'ava';
import { firstOfEqual } from '../../src/tables/equal-rows.js';
import { hubCounts, hubnessOf } from '../../src/tables/hubness.js';
import { knotsOf, listKnots } from '../../src/tables/knots.js';
import { equalRows, withCopies } from '../../src/tables/neighbour-lists.js';

test('copies of a token and of its neighbours stand on the lists, ties by the lower number', (t) => {
  // Rows 0 and 3 are equal, and so are 1 and 4; 2 and 5 are as far from 0.
  const hashes = BigUint64Array.from([7n, 8n, 1n, 7n, 8n, 2n]);
  const equal = equalRows(firstOfEqual([hashes, hashes]));
  // Of the rows 0, 1, 2 and 5.
  const found = {
    k: 3,
    ids: Int32Array.of(1, 2, 5, 0, 5, -1, 1, 0, -1, 1, 0, -1),
    values: Float64Array.of(1, 2, 2, 1, 2, 0, 1, 2, 0, 1, 2, 0),
  };
  const wanted = [
    { own: 3, place: 0 },
    { own: 0, place: 0 },
    { own: 4, place: 1 },
    { own: 2, place: null },
    { own: -1, place: 2 },
  ];
  const { ids, values } = withCopies(wanted, found, equal);
  t.deepEqual(ids, [[0, 1, 4], [3, 1, 4], [1, 0, 3], null, [1, 4, 0]]);
  t.deepEqual(values, [[0, 1, 1], [0, 1, 1], [0, 1, 1], null, [1, 1, 2]]);
});

test('hashes that differ in one of two are not equal', (t) => {
  const [one, other] = [BigUint64Array.from([1n, 1n, 1n]), BigUint64Array.from([2n, 3n, 2n])];
  t.deepEqual([...firstOfEqual([one, other])], [0, 1, 0]);
});

test('hubs are counted over the lists, with skewness and antihubs', (t) => {
  const counts = hubCounts([[1, 2], [0, 2], [1, 0], [2, 1], null]);
  t.deepEqual([...counts], [2, 3, 3, 0, 0]);
  const { skewness, ...rest } = hubnessOf(counts);
  t.deepEqual(rest, { maximum: 3, token: 1, antihubs: 2 });
  // Mean 1.6; sum of squares 9.2, of cubes -2.64.
  t.true(Math.abs(skewness! - -2.64 / 5 / (9.2 / 5) ** 1.5) < 1e-12);
  t.is(hubnessOf(Int32Array.of(2, 2)).skewness, null);
});

test('knots are chains of near tokens, listed by size, then by the lowest token', (t) => {
  const lists = { ids: [[1], [2], [3], [2], [5], [4]], values: [[1], [0.5], [0.9], [0.9], [0], [0]] };
  t.deepEqual([...knotsOf(lists, 0.9)], [-1, 1, 1, 1, 4, 4]);
  t.deepEqual(listKnots(knotsOf(lists, 1)), [{ tokens: [0, 1, 2, 3] }, { tokens: [4, 5] }]);
});
