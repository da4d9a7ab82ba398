import test from 'ava';
import { binOf, FINE_BINS, fineGrid, QUANTILE_ERROR } from '../../src/tables/fine-grid.js';
import { type ColumnHistograms, FineHistograms } from '../../src/tables/fine-histograms.js';
import { randomFloat32, seededRandom } from '../helpers/random.js';

/** The histogram of one column of values, with root 1. */
function histogramOf(values: Float32Array): ColumnHistograms {
  const minimum = values.reduce((a, b) => Math.min(a, b));
  const maximum = values.reduce((a, b) => Math.max(a, b));
  const { exponent, origin } = fineGrid(minimum, maximum);
  const counts = new Int32Array(FINE_BINS);
  for (const value of values) counts[binOf(value, exponent) - origin]!++;
  return { minima: Float64Array.of(minimum), maxima: Float64Array.of(maximum), counts };
}

function merged(parts: Float32Array[]): FineHistograms {
  const histograms = new FineHistograms(Float64Array.of(1));
  for (const part of parts) histograms.add(histogramOf(part));
  return histograms;
}

/** Columns of all kinds: spread, far from zero, constant, zero, with an outlier, with the smallest numbers. */
const columns: Record<string, Float32Array> = {
  uniform: randomFloat32(5000, 1),
  'far from zero': randomFloat32(5000, 2).map((x) => 1000 + x),
  'far below zero': randomFloat32(5000, 3).map((x) => -1000 + x * 1e-3),
  constant: new Float32Array(5000).fill(0.3),
  zero: new Float32Array(5000),
  outlier: randomFloat32(5000, 4).map((x, i) => (i === 4321 ? 1e6 : x)),
  tiny: randomFloat32(5000, 5).map((x) => x * 1e-44),
  huge: randomFloat32(5000, 6).map((x) => x * 3e38),
  'heavy tails': randomFloat32(5000, 7).map((x) => x ** 9),
};

test('merged in any order and partition, histograms are that of the whole column', (t) => {
  const random = seededRandom(9);
  for (const [name, values] of Object.entries(columns)) {
    // All order statistics tell all counts and the grid.
    const qs = Array.from(values, (_, k) => k / (values.length - 1));
    const whole = merged([values]).quantiles(0, qs);
    for (let round = 0; round < 4; round++) {
      const parts: Float32Array[] = [];
      for (let first = 0; first < values.length; ) {
        const count = 1 + Math.floor(((random() + 1) / 2) * 2000);
        parts.push(values.subarray(first, first + count));
        first += count;
      }
      parts.sort(() => random());
      t.deepEqual(merged(parts).quantiles(0, qs), whole, name);
    }
  }
});

test('every quantile is within its stated bound of that of the sorted values', (t) => {
  const qs = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1];
  for (const [name, values] of Object.entries(columns)) {
    const sorted = values.toSorted();
    const spread = sorted.at(-1)! - sorted[0]!;
    const found = merged([values]).quantiles(0, qs);
    const off = qs.map((q, k) => {
      const at = q * (values.length - 1);
      const below = sorted[Math.floor(at)]!;
      const exact = below + (at % 1) * (sorted[Math.ceil(at)]! - below);
      return Math.abs(found[k]! - exact);
    });
    const worst = off.reduce((a, b) => Math.max(a, b));
    t.log(`${name}: ${((worst / (spread || 1)) * 100).toFixed(4)} % of the range`);
    t.true(worst <= QUANTILE_ERROR * spread, name);
  }
});
