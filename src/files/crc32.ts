/**
 * Computes the CRC-32 of A followed by B, from the CRC-32 of each and B's length, in O(log lengthB): shards are summed
 * where they are written, in any order, and the file's checksum needs no second pass over the bytes.
 *
 * Appending n zero bits multiplies a CRC, seen as a polynomial over GF(2), by x^n modulo the CRC's polynomial p;
 * CRC(A B) is CRC(A) times x^(8 lengthB), plus CRC(B). The zlib way:
 * https://github.com/madler/zlib/blob/51b7f2abdade71cd9bb0e7a373ef2610ec6f9daf/crc32.c#L110-L175
 *
 * @param crcA of A, as node:zlib's crc32 gives it (an unsigned 32-bit integer); 0 for an empty A
 * @param lengthB in bytes, any whole number up to 2^53 - 1
 */
export function combineCrc32(crcA: number, crcB: number, lengthB: number): number {
  if (!Number.isSafeInteger(lengthB) || lengthB < 0) {
    throw new RangeError(`combineCrc32: lengthB must be a whole number of bytes from 0, not ${lengthB}`);
  }
  return (multiply(powerOfX8(lengthB), crcA) ^ crcB) >>> 0;
}

/** p without x^32, the coefficient of x^0 in the highest bit, as zlib, gzip, PNG and zip have it. */
const POLYNOMIAL = 0xedb88320;

/** The polynomials 1 and x, in the same bit order. */
const ONE = 0x80000000;
const X = 0x40000000;

/** a times b, modulo p: Horner's scheme over the bits of a, from x^0 up, while b is multiplied by x each time. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}

/** x^(8 n) modulo p, by repeated squaring. */
function powerOfX8(n: number): number {
  let power = ONE;
  let square = multiply(X, X);
  square = multiply(square, square);
  square = multiply(square, square);
  // Halved as a float: n may be larger than a bitwise operator takes.
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(power, square);
    square = multiply(square, square);
  }
  return power;
}
