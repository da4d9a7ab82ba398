import test from 'ava';
import { count, figure, fixed } from '../../src/text/figures.js';

test('values are short, and powers of ten where decimals say little', (t) => {
  t.deepEqual([0, 0.12345, -99.99999, 2713.638, 9e-4, 1e7].map(fixed), [
    '0',
    '0.1235',
    '-100',
    '2,713.64',
    '9.00e-4',
    '1.00e+7',
  ]);
  t.deepEqual([0, 1.234e-7, Number.NaN].map(figure), ['0', '1.23e-7', 'NaN']);
});

test('counts have thousands apart', (t) => {
  t.is(count(151_936), '151,936');
});
