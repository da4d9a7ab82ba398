import test from 'ava';
import { ARCSINE_POLYNOMIAL } from '../../src/tables/arcsine.js';

/** What tables promise of an angle, in degrees. */
const PROMISED = 1e-4;

test('in float32 the polynomial is the arcsine to less than a ten-thousandth of a degree, up to 0.3', (t) => {
  const [p0, p1, p2] = ARCSINE_POLYNOMIAL.map(Math.fround) as [number, number, number];
  const f = Math.fround;
  let worst = 0;
  for (let k = -300_000; k <= 300_000; k++) {
    const x = f(k / 1e6);
    const square = f(x * x);
    const s = f(f(f(f(f(p2 * square) + p1) * square) + p0) * x);
    worst = Math.max(worst, Math.abs(s - (Math.asin(x) * 180) / Math.PI));
  }
  t.log(`largest error ${worst.toExponential(2)} degrees`);
  t.true(worst < PROMISED / 4);
});
