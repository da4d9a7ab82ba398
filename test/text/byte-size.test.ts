import test from 'ava';
import { formatBytes, parseBytes } from '../../src/text/byte-size.js';

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
