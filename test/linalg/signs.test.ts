import test from 'ava';
import { fixSigns } from '../../src/linalg/signs.js';
import { randomFloat64 } from '../helpers/random.js';

test('in every column the entry of largest magnitude becomes positive, and nothing else changes', (t) => {
  for (const d of [1, 2, 3, 17]) {
    const before = randomFloat64(d * d, d);
    const after = before.slice();
    fixSigns(after, d);
    for (let j = 0; j < d; j++) {
      const column = (values: Float64Array) => values.filter((_, k) => k % d === j);
      const magnitudes = column(before).map(Math.abs);
      const largest = magnitudes.indexOf(Math.max(...magnitudes));
      t.true(column(after)[largest]! > 0);
      const sign = Math.sign(column(before)[largest]!);
      t.deepEqual(
        column(after),
        column(before).map((value) => sign * value),
      );
    }
  }
});

test('either sign of a vector gives the same one', (t) => {
  const d = 9;
  const one = randomFloat64(d * d, 1);
  const other = one.map((value, k) => ((k % d) % 2 === 0 ? -value : value));
  fixSigns(one, d);
  fixSigns(other, d);
  t.deepEqual(one, other);
});

test('among equal magnitudes the lowest index decides', (t) => {
  // Columns (-1, 1, 0), (1, -1, -1) and (0, -1, 1).
  const vectors = Float64Array.of(-1, 1, 0, 1, -1, -1, 0, -1, 1);
  fixSigns(vectors, 3);
  const columns = [0, 1, 2].map((j) => [0, 1, 2].map((i) => vectors[i * 3 + j]! + 0));
  t.deepEqual(columns, [
    [1, -1, 0],
    [1, -1, -1],
    [0, 1, -1],
  ]);
});

test('a column of zeros stays as it is', (t) => {
  const vectors = Float64Array.of(0, 2, 0, 1);
  fixSigns(vectors, 2);
  t.deepEqual([...vectors], [0, 2, 0, 1]);
});
