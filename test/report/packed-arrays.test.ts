import test from 'ava';
import { packArrays, unpackArrays } from '../../src/report/packed-arrays.js';

test('arrays of every type come back as they were', (t) => {
  const arrays = {
    a: Uint8Array.of(1, 255),
    b: Uint16Array.of(65_535, 1),
    c: Int16Array.of(-2, 2),
    d: Int32Array.of(-1, 2 ** 31 - 1, 0),
    e: Float32Array.of(Number.NaN, -0, 1.5, Number.NEGATIVE_INFINITY),
    f: new Uint8Array(0),
  };
  const { entries, bytes } = packArrays(arrays);
  t.deepEqual(unpackArrays(JSON.parse(JSON.stringify(entries)), bytes), arrays);
});

test('the view of a part of a buffer is packed, not the buffer', (t) => {
  const { entries, bytes } = packArrays({ a: Int32Array.of(1, 2, 3).subarray(1) });
  t.deepEqual(unpackArrays(entries, bytes).a, Int32Array.of(2, 3));
});

test('bytes that are not those of the entries are refused', (t) => {
  const { entries, bytes } = packArrays({ a: Int32Array.of(1, 2, 3) });
  t.throws(() => unpackArrays(entries, new Uint8Array([...bytes, 0])), { instanceOf: RangeError });
});
