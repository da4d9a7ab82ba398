import test from 'ava';
import { offsetOf, roundDown, scoreError, scoreReached } from '../../src/linalg/neighbour-scores.js';
import { seededRandom } from '../helpers/random.js';

/** Product of two vectors, float32 at every step. */
function float32Product(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, j) => Math.fround(sum + Math.fround(x * b[j]!)), 0);
}

test('a row as near as a value of either measure reaches the score that is told, in the worst order of a sum', (t) => {
  const random = seededRandom(3);
  const d = 300;
  const largest = 7;
  for (let round = 0; round < 300; round++) {
    // Some nearly equal, some opposite, some of very different length.
    const base = Array.from({ length: d }, random);
    const other = base.map((x) => x + random() * 10 ** -(round % 8));
    const [a, b] = [largest * 10 ** -(round % 3), largest * 10 ** -(round % 5)];
    const vectorOf = (x: readonly number[], norm: number) => {
      const length = Math.hypot(...x);
      return {
        unit: x.map((value) => value / length),
        scaled: x.map((value) => (value / length) * norm),
        norm,
      };
    };
    const [query, row] = [vectorOf(base, b), vectorOf(other, a)];
    const product = float32Product(query.unit.map(Math.fround), row.unit.map(Math.fround));
    const cosine = query.unit.reduce((sum, x, j) => sum + (x - row.unit[j]!) ** 2, 0) / 2;
    const distance = Math.hypot(...query.scaled.map((x, j) => x - row.scaled[j]!));
    const [scale, factor] = [Math.fround(a / largest), Math.fround(b / largest)];
    const scaled = Math.fround(Math.fround(product * scale) * factor);
    const score = Math.fround(scaled + Math.fround(offsetOf(false, d, a / largest)));
    const asked = { d, share: b / largest, largest };
    t.true(
      product >= roundDown(scoreReached({ ...asked, isCosine: true, value: cosine })),
      `cosine ${round}`,
    );
    t.true(
      score >= roundDown(scoreReached({ ...asked, isCosine: false, value: distance })),
      `distance ${round}`,
    );
  }
});

test('the bound grows with the length of a sum, and is near d u', (t) => {
  t.true(scoreError(2560) > 2560 * 2 ** -24 && scoreError(2560) < 1.01 * 2560 * 2 ** -24);
});

test('a number is rounded down to float32, never up', (t) => {
  for (const value of [0.1, -0.1, 1e-50, -1e-50, 0, 1, -3.3e38, 1 / 3, -2 / 3]) {
    const rounded = roundDown(value);
    t.is(Math.fround(rounded), rounded);
    t.true(rounded <= value, `${value}`);
    t.true(Math.abs(rounded - value) <= Math.abs(value) * 2 ** -23 + 2 ** -149, `${value}`);
  }
});
