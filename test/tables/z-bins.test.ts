import test from 'ava';
import { binOf, FINE_BINS, fineGrid } from '../../src/tables/fine-grid.js';
import { chooseZBins, sumBins } from '../../src/tables/z-bins.js';
import { randomFloat64 } from '../helpers/random.js';

test('the bins reach six standard deviations beyond the farthest mean, on powers of two', (t) => {
  const bins = (root: number, mean: number) =>
    chooseZBins(Float64Array.of(1, root * root), Float64Array.of(0, mean));
  t.deepEqual(bins(2, 0.5), { bins: 256, lower: -8, upper: 8, exponent: -4 });
  t.deepEqual(bins(10, 1.9), { bins: 256, lower: -32, upper: 32, exponent: -2 });
  t.deepEqual(bins(10, -1.9), bins(10, 1.9));
});

test('bins that are sums of finer ones count what they would count themselves', (t) => {
  const zBins = chooseZBins(Float64Array.of(1), Float64Array.of(0));
  for (const [scale, shift] of [
    [1, 0],
    [0.001, 3],
    [20, 5],
    [1, 7.5],
    [1, -50],
  ] as const) {
    const values = randomFloat64(3000, 8).map((x) => scale * x + shift);
    const grid = fineGrid(Math.min(...values), Math.max(...values));
    t.true(grid.exponent <= zBins.exponent);
    const fine = new Int32Array(FINE_BINS);
    const expected = new Int32Array(zBins.bins);
    for (const value of values) {
      fine[binOf(value, grid.exponent) - grid.origin]!++;
      const bin = Math.floor((value - zBins.lower) / 2 ** zBins.exponent);
      expected[Math.min(zBins.bins - 1, Math.max(0, bin))]!++;
    }
    const counts = new Int32Array(zBins.bins);
    sumBins(fine, grid, counts, zBins);
    t.deepEqual(counts, expected);
  }
});
