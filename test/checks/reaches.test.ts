import test from 'ava';
import { Reaches } from '../../src/checks/reaches.js';

/** Share of an error that is left of rows that are 2^apart last places from each other. */
const leftAt = (apart: number) => 1 / (1 + (Math.PI ** 2 / 4) * 4 ** apart) ** 2;

test('the share that near rows have in common is that of the errors whose reach is far beyond their distance', (t) => {
  const reaches = new Reaches(3);
  // Of the first column two errors, a fourth of which differs from 2^-10 on, the rest from 2^5 on.
  reaches.add(0, 1, 2 ** -10);
  reaches.add(0, 3, 2 ** 5);
  reaches.add(1, 2, 2 ** -3);
  for (const exponent of [-20, -11, -10, -4, 0, 5, 6, 12]) {
    const first = (leftAt(exponent + 10) + 3 * leftAt(exponent - 5)) / 4;
    t.true(Math.abs(reaches.shareWithin(0, exponent) - first) < 1e-12, `2^${exponent}`);
    t.true(Math.abs(reaches.shareWithin(1, exponent) - leftAt(exponent + 3)) < 1e-12, `2^${exponent}`);
    // Without errors nothing differs.
    t.is(reaches.shareWithin(2, exponent), 1);
  }
});

test('reaches beyond all numbers, and of none, are counted', (t) => {
  const reaches = new Reaches(1);
  reaches.add(0, 1, Number.POSITIVE_INFINITY);
  reaches.add(0, 1, 0);
  t.true(Math.abs(reaches.shareWithin(0, 0) - 0.5) < 1e-12);
});
