import test from 'ava';
import {
  effectiveRows,
  normalised,
  softmaxOf,
  weightsOfGroups,
} from '../../../src/input/weighting/row-weights.js';

const close = (a: Float64Array, b: readonly number[]) =>
  a.every((value, i) => Math.abs(value - b[i]!) <= 1e-15);

test('weights are in proportion to what they are made of, and their sum is 1, also of numbers whose sum is no float64', (t) => {
  t.true(close(normalised(Float64Array.of(1, 0, 3)), [0.25, 0, 0.75]));
  t.true(close(normalised(Float64Array.of(1e308, 1e308)), [0.5, 0.5]));
  t.true(close(normalised(Float64Array.of(5e-324, 5e-324)), [0.5, 0.5]));
});

test('a softmax neither overflows nor loses what all logits have in common', (t) => {
  const expected = [1 / (1 + Math.E), Math.E / (1 + Math.E)];
  for (const shift of [0, 1e4, -1e4]) t.true(close(softmaxOf(Float64Array.of(shift, shift + 1)), expected));
  t.deepEqual([...softmaxOf(Float64Array.of(0, 2000))], [0, 1]);
  t.true(close(softmaxOf(new Float64Array(4).fill(-3)), [0.25, 0.25, 0.25, 0.25]));
});

test('a group of equal rows weighs as much as a row that has no equal', (t) => {
  t.true(
    close(weightsOfGroups(Int32Array.of(-1, 1, -1, 1, 1, -1)), [1 / 4, 1 / 12, 1 / 4, 1 / 12, 1 / 12, 1 / 4]),
  );
});

test('effective rows are all of those with equal weights, and one where one has all', (t) => {
  t.is(effectiveRows(new Float64Array(8).fill(1 / 8)), 8);
  t.is(effectiveRows(Float64Array.of(0, 1, 0)), 1);
  t.is(effectiveRows(Float64Array.of(0.5, 0.25, 0.25)), 8 / 3);
});
