import test from 'ava';
import {
  type Dtype,
  decodeFloats,
  dtypeBytes,
  dtypeOfSafetensors,
  safetensorsNames,
} from '../../src/formats/dtype.js';

function decode(bytes: Uint8Array, dtype: Dtype): Float64Array {
  const values = new Float64Array(bytes.length / dtypeBytes[dtype]);
  decodeFloats(bytes, dtype, values);
  return values;
}

const allHalves = new Uint8Array(Uint16Array.from({ length: 0x10000 }, (_, bits) => bits).buffer);

test('every float16 is decoded to the value that its three fields spell', (t) => {
  const values = decode(allHalves, 'float16');
  for (let bits = 0; bits < 0x10000; bits++) {
    // Independent of the decoder: the digits of the fraction, summed one by one.
    const exponent = (bits >> 10) & 31;
    let magnitude = exponent === 0 ? 0 : 1;
    for (let digit = 1; digit <= 10; digit++) if (bits & (1 << (10 - digit))) magnitude += 1 / (1 << digit);
    for (let e = Math.max(exponent, 1); e < 15; e++) magnitude /= 2;
    for (let e = 15; e < exponent; e++) magnitude *= 2;
    if (exponent === 31) magnitude = bits & 0x3ff ? Number.NaN : Number.POSITIVE_INFINITY;
    const expected = bits & 0x8000 ? -magnitude : magnitude;
    if (!Object.is(values[bits], expected)) t.fail(`${bits}: ${values[bits]}, expected ${expected}`);
  }
  t.is(values[0x0001], 2 ** -24);
  t.is(values[0x7bff], 65504);
});

test('every bfloat16 is decoded to the float32 with the same upper half', (t) => {
  const values = decode(allHalves, 'bfloat16');
  const floats = new Float32Array(Uint32Array.from({ length: 0x10000 }, (_, bits) => bits << 16).buffer);
  t.true(floats.every((value, bits) => Object.is(values[bits], value)));
});

test('float32 and float64 are decoded exactly at any alignment', (t) => {
  const special = [0, -0, 1 / 3, Number.MIN_VALUE, Number.MAX_VALUE, Number.NaN, Number.POSITIVE_INFINITY];
  const shifted = (bytes: ArrayBuffer) => Buffer.concat([Buffer.alloc(1), Buffer.from(bytes)]).subarray(1);
  const doubles = Float64Array.from(special);
  t.deepEqual(decode(shifted(doubles.buffer), 'float64'), doubles);
  const floats = Float32Array.from([...special, 1e-45]);
  t.deepEqual(decode(shifted(floats.buffer), 'float32'), Float64Array.from(floats));
});

test('too few bytes are refused', (t) => {
  t.throws(() => decodeFloats(new Uint8Array(7), 'float32', new Float64Array(2)), { instanceOf: RangeError });
});

test('safetensors names lead to dtypes and back', (t) => {
  for (const [dtype, name] of Object.entries(safetensorsNames))
    t.is(dtypeOfSafetensors(name), dtype as Dtype);
  t.is(dtypeOfSafetensors('I64'), null);
});
