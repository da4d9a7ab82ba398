import test from 'ava';
import type { Measurements } from '../../src/checks/measurements.js';
import { sharedErrors } from '../../src/checks/shared-errors.js';

/** What of the measurements tells what rows have in common. */
function shared(keys: number[], weights: { compared: number; equal: number }, mean = 0) {
  const d = 100;
  const measurements = {
    rows: keys.length,
    rowKeys: Float64Array.from(keys),
    gammaSums: new Float64Array(d).fill(mean * keys.length),
    gammaSquares: keys.length * d,
    weights: { rows: 1, squares: new Float64Array(d), ...weights },
  } as Measurements;
  return sharedErrors(measurements, null);
}

test('equal rows are counted by pairs, wherever they lie', (t) => {
  const none = { compared: 0, equal: 0 };
  t.like(shared([1, 2, 3, 4], none), { equalPairs: 0, largestGroup: 1 });
  t.like(shared([5, 1, 5, 2, 5, 1], none), { equalPairs: 6 + 2, largestGroup: 3 });
  t.like(shared([7, 7, 7, 7], none), { equalPairs: 12, largestGroup: 4 });
  t.like(shared([9], none), { equalPairs: 0, largestGroup: 1 });
  // What is no number is equal to nothing.
  t.like(shared([Number.NaN, 1, Number.NaN, 1], none), { equalPairs: 2, largestGroup: 2 });
});

test('the probability of equal weights is that of the pairs compared, and never taken for nothing', (t) => {
  t.is(shared([1, 2], { compared: 0, equal: 0 }).equalWeights, 1 / 64);
  t.is(shared([1, 2], { compared: 1e6 - 64, equal: 999 }).equalWeights, 1e-3);
  t.is(shared([1, 2], { compared: 1e6 - 64, equal: 0 }).equalWeights, 1e-6);
});

test('the sums of rows are of equal sizes as far as the mean row makes them so', (t) => {
  const weights = { compared: 0, equal: 0 };
  t.is(shared([1, 2], weights).equalSizes, 0.2);
  t.is(shared([1, 2], weights, 0.5).equalSizes, 0.2 + 0.25);
  t.is(shared([1, 2], weights, 1).equalSizes, 1);
});
