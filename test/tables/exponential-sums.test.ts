import test from 'ava';
import { logOfSum, logSumsOfExponentials } from '../../src/tables/exponential-sums.js';

const of = (values: number[]) =>
  logSumsOfExponentials(Float32Array.from(values), values.length, {
    minimum: Math.min(...values),
    maximum: Math.max(...values),
  });

test('sums of exponentials are those of their definition, of both signs', (t) => {
  const values = [0.5, -2, 3.25, 0];
  const sum = (sign: number) => Math.log(values.reduce((total, value) => total + Math.exp(sign * value), 0));
  const [plus, minus] = of(values);
  t.true(Math.abs(plus - sum(1)) <= 1e-14 && Math.abs(minus - sum(-1)) <= 1e-14);
});

test('numbers whose exponentials are no float64 have sums all the same', (t) => {
  t.deepEqual(of([5000, 5000]), [5000 + Math.LN2, -5000 + Math.LN2]);
  t.deepEqual(of([-5000, 5000]), [5000, 5000]);
});

test('logarithms are added up as the numbers are', (t) => {
  t.true(Math.abs(logOfSum(Math.log(3), Math.log(4)) - Math.log(7)) <= 1e-15);
  t.is(logOfSum(Number.NEGATIVE_INFINITY, 2), 2);
  t.is(logOfSum(Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY), Number.NEGATIVE_INFINITY);
  t.is(logOfSum(9000, -9000), 9000);
});
