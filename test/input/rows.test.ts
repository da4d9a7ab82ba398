import { truncateSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import type { RowSource } from '../../src/input/checkpoint.js';
import { openRows } from '../../src/input/rows.js';
import { scratchFile } from '../helpers/fixtures.js';

const layout = { byteOffset: 5, rows: 10, columns: 3, dtype: 'bfloat16', tensor: null } as const;
const bytes = Buffer.from(Array.from({ length: 5 + 10 * 6 + 7 }, (_, index) => index));

test('any range of rows gives the bytes of these rows', (t) => {
  const reader = openRows({ ...layout, file: scratchFile(t, 'a', bytes) });
  fc.assert(
    fc.property(fc.nat(10), fc.nat(10), (first, count) => {
      fc.pre(first + count <= 10);
      const into = new Uint8Array(count * 6);
      reader.read(first, count, into);
      t.deepEqual(Buffer.from(into), bytes.subarray(5 + first * 6, 5 + (first + count) * 6));
    }),
    { seed: 1 },
  );
  reader.close();
});

test('rows outside of the matrix and buffers of another length are refused', (t) => {
  const reader = openRows({ ...layout, file: scratchFile(t, 'a', bytes) });
  t.throws(() => reader.read(9, 2, new Uint8Array(12)), { instanceOf: RangeError });
  t.throws(() => reader.read(-1, 1, new Uint8Array(6)), { instanceOf: RangeError });
  t.throws(() => reader.read(0, 1, new Uint8Array(7)), { instanceOf: RangeError });
  reader.close();
});

test('a file that is too short is refused when it is opened', (t) => {
  const source: RowSource = { ...layout, file: scratchFile(t, 'a', bytes.subarray(0, 64)) };
  t.throws(() => openRows(source), {
    instanceOf: InputError,
    message: /expected at least 65 bytes, as when the run began, but it has 64/,
  });
});

test('a file that shrinks while it is open is refused when its end is read', (t) => {
  const file = scratchFile(t, 'a', bytes);
  const reader = openRows({ ...layout, file });
  truncateSync(file, 40);
  t.notThrows(() => reader.read(0, 5, new Uint8Array(30)));
  t.throws(() => reader.read(4, 3, new Uint8Array(18)), {
    instanceOf: InputError,
    message: /ends at byte 40/,
  });
  reader.close();
});

test('a missing file is named', (t) => {
  t.throws(() => openRows({ ...layout, file: '/nowhere/a' }), {
    instanceOf: InputError,
    message: /^\/nowhere\/a: cannot read the checkpoint: there is no such file/,
  });
});
