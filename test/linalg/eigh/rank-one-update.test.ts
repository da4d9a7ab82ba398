import test from 'ava';
import { rankOneUpdate } from '../../../src/linalg/eigh/rank-one-update.js';
import { eighOf } from '../../helpers/jacobi.js';
import { randomFloat64 } from '../../helpers/random.js';

/** diag(d) + z z^T */
function updated(d: Float64Array, z: Float64Array): Float64Array {
  const n = d.length;
  return Float64Array.from({ length: n * n }, (_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return z[i]! * z[j]! + (i === j ? d[i]! : 0);
  });
}

const n = 17;
const spread = randomFloat64(n, 1)
  .map((value) => Math.exp(6 * value))
  .sort();
for (const [what, d, z] of [
  ['of values far apart', spread, randomFloat64(n, 2)],
  ['of equal values', spread.map((_, j) => (j < 9 ? 1 : 2)), randomFloat64(n, 2)],
  ['with zeros in z', spread, randomFloat64(n, 2).map((value, j) => (j % 3 === 0 ? 0 : value))],
  ['with z of zeros', spread, new Float64Array(n)],
  ['of zeros', new Float64Array(n), randomFloat64(n, 2)],
  ['of one value', Float64Array.of(3), Float64Array.of(2)],
] as const) {
  test(`the eigenvalues of a rank-one update ${what} are those of the whole matrix`, (t) => {
    const found = rankOneUpdate(d, z);
    const expected = eighOf(updated(d, z), d.length);
    const largest = expected.at(-1)!;
    const worst = found.reduce((a, value, j) => Math.max(a, Math.abs(value - expected[j]!)), 0) / largest;
    t.log(`off by ${worst.toExponential(1)} of the largest`);
    t.is(found.length, d.length);
    t.true(worst <= 1e-13);
  });
}

test('the eigenvalues of a rank-one update scale with the matrix', (t) => {
  const [d, z] = [spread, randomFloat64(n, 2)];
  const found = rankOneUpdate(d, z);
  for (const exponent of [-200, -40, 30, 200]) {
    const scaled = rankOneUpdate(
      d.map((value) => value * 4 ** exponent),
      z.map((value) => value * 2 ** exponent),
    );
    const worst = scaled.reduce((a, value, j) => Math.max(a, Math.abs(value / 4 ** exponent - found[j]!)), 0);
    t.true(worst <= 1e-14 * found.at(-1)!, `${exponent}: off by ${worst}`);
  }
});
