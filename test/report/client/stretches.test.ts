import test from 'ava';
import { countOf, stretchesText, stretchesWhere } from '../../../src/report/client/stretches.js';

test('neighbours are one stretch, named by its ends', (t) => {
  const found = stretchesWhere(10, (k) => [0, 1, 2, 5, 8, 9].includes(k));
  t.deepEqual(found, [
    { first: 0, last: 2 },
    { first: 5, last: 5 },
    { first: 8, last: 9 },
  ]);
  t.is(stretchesText(found), '0 to 2, 5, 8 to 9');
  t.is(countOf(found), 6);
  t.deepEqual(
    stretchesWhere(3, () => false),
    [],
  );
});

test('many stretches are not all named', (t) => {
  t.is(stretchesText(stretchesWhere(40, (k) => k % 2 === 0)), '0, 2, 4, 6, 8, 10, 12, 14 and others');
});
