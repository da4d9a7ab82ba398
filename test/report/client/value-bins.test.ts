import test from 'ava';
import { valueBins } from '../../../src/report/client/value-bins.js';

test('bins are equal, and the last holds what is left', (t) => {
  const { starts, minimum, mean, maximum } = valueBins([1, 2, 3, 4, 9], 3);
  t.deepEqual([...starts], [0, 2, 4]);
  t.deepEqual([...minimum], [1, 3, 9]);
  t.deepEqual([...mean], [1.5, 3.5, 9]);
  t.deepEqual([...maximum], [2, 4, 9]);
});

test('undefined values are left out, and a bin of nothing else is undefined', (t) => {
  const { minimum, mean } = valueBins([Number.NaN, 4, Number.NaN, Number.NaN], 2);
  t.deepEqual([...minimum], [4, Number.NaN]);
  t.deepEqual([...mean], [4, Number.NaN]);
});
