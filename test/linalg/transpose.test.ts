import test from 'ava';
import { transposed, transposeInPlace } from '../../src/linalg/transpose.js';
import { randomFloat32 } from '../helpers/random.js';

test('a matrix is transposed, at one tile, its neighbours, and beyond', (t) => {
  for (const n of [1, 2, 31, 32, 33, 100]) {
    const values = randomFloat32(n * n, n);
    const expected = Float64Array.from({ length: n * n }, (_, k) => values[(k % n) * n + Math.floor(k / n)]!);
    t.deepEqual(transposed(values, n), expected);
    const padded = transposed(values, n, n + 3);
    t.deepEqual(
      padded,
      Float64Array.from({ length: n * (n + 3) }, (_, k) => {
        const [i, j] = [Math.floor(k / (n + 3)), k % (n + 3)];
        return j < n ? values[j * n + i]! : 0;
      }),
    );
    const inPlace = Float64Array.from(values);
    transposeInPlace(inPlace, n);
    t.deepEqual(inPlace, expected);
  }
});
