import test from 'ava';
import { count, figure, fixed, formatBytes, parseBytes } from '../../src/text/figures.js';

test('values are short, and powers of ten where decimals say little', (t) => {
  t.deepEqual([0, 0.12345, -99.99999, 2713.638, 9e-4, 1e7].map(fixed), [
    '0',
    '0.1235',
    '-100',
    '2,713.64',
    '9.00e-4',
    '1.00e+7',
  ]);
  t.deepEqual([0, 1.234e-7, 1, 12, 12.5, 1234, Number.NaN].map(figure), [
    '0',
    '1.23e-7',
    '1',
    '12',
    '1.25e+1',
    '1.23e+3',
    'NaN',
  ]);
});

test('counts have thousands apart', (t) => {
  t.is(count(151_936), '151,936');
});

test('sizes are shown in decimal units', (t) => {
  t.deepEqual([0, 999, 1000, 778_000_000, 2e13].map(formatBytes), [
    '0 B',
    '999 B',
    '1.00 kB',
    '778.00 MB',
    '20.00 TB',
  ]);
});

test('sizes are read with and without a unit, in any case', (t) => {
  t.deepEqual(['1000', '1.5GB', '20 gb', '3kB', '7 B', '0'].map(parseBytes), [1000, 1.5e9, 20e9, 3000, 7, 0]);
});

test('what is no size is null', (t) => {
  for (const text of ['', 'GB', '-1', '1 GiB', '1e3', '1,5GB', '99999999TB'])
    t.is(parseBytes(text), null, text);
});
