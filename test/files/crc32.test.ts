import { crc32 } from 'node:zlib';
import test from 'ava';
import fc from 'fast-check';
import { combineCrc32 } from '../../src/files/crc32.js';

const length = fc.maxSafeNat().map((n) => Math.floor(n / 4));
const checksum = fc.nat({ max: 0xffffffff });

test('the checksums of the parts, in any split, combine into that of the whole', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1 }), (parts) => {
      let combined = 0;
      for (const part of parts) combined = combineCrc32(combined, crc32(part), part.length);
      return combined === crc32(Buffer.concat(parts));
    }),
    { seed: 1 },
  );
  t.pass();
});

test('parts may be combined from either end, at any length', (t) => {
  fc.assert(
    fc.property(checksum, checksum, checksum, length, length, (a, b, c, lengthB, lengthC) => {
      const left = combineCrc32(combineCrc32(a, b, lengthB), c, lengthC);
      const right = combineCrc32(a, combineCrc32(b, c, lengthC), lengthB + lengthC);
      return left === right;
    }),
    { seed: 1 },
  );
  t.pass();
});

test('lengths beyond 2^32 are not cut: the powers of x repeat after 2^32 - 1 bytes', (t) => {
  // The polynomial of CRC-32 is primitive: the order of x is 2^32 - 1, which is odd, so that of x^8 is the same.
  const a = crc32('eigenvectors');
  for (const bytes of [0, 1, 5, 2 ** 31, 2 ** 32 - 2]) {
    t.is(combineCrc32(a, 0, 2 ** 32 - 1 + bytes), combineCrc32(a, 0, bytes));
  }
  t.not(combineCrc32(a, 0, 2 ** 32), combineCrc32(a, 0, 0));
});

test('a gigabyte of zeros has the checksum that zlib computes', (t) => {
  const block = Buffer.alloc(2 ** 20);
  let combined = crc32(block);
  for (let bytes = block.length; bytes < 2 ** 30; bytes *= 2) {
    combined = combineCrc32(combined, combined, bytes);
  }
  let direct = 0;
  for (let bytes = 0; bytes < 2 ** 30; bytes += block.length) direct = crc32(block, direct);
  t.is(combined, direct);
});

test('a length that is no number of bytes is refused', (t) => {
  for (const bytes of [-1, 0.5, 2 ** 53, Number.NaN]) {
    t.throws(() => combineCrc32(1, 2, bytes), { instanceOf: RangeError, message: /lengthB/ });
  }
});
