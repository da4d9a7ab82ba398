import test from 'ava';
import { chooseZBins } from '../../src/tables/z-bins.js';

test('the bins reach six standard deviations beyond the farthest mean, on powers of two', (t) => {
  const bins = (root: number, mean: number) =>
    chooseZBins(Float64Array.of(1, root * root), Float64Array.of(0, mean));
  t.deepEqual(bins(2, 0.5), { bins: 256, lower: -8, upper: 8, exponent: -4 });
  t.deepEqual(bins(10, 1.9), { bins: 256, lower: -32, upper: 32, exponent: -2 });
  t.deepEqual(bins(10, -1.9), bins(10, 1.9));
});
