/** The floating-point element types of weights and metrics, by the names that PyTorch and NumPy use. */
export type Dtype = 'bfloat16' | 'float16' | 'float32' | 'float64';

/** Bytes of an element, by dtype. */
export const dtypeBytes: Readonly<Record<Dtype, number>> = {
  bfloat16: 2,
  float16: 2,
  float32: 4,
  float64: 8,
};

/** The name of a dtype in a safetensors header. */
export const safetensorsNames: Readonly<Record<Dtype, string>> = {
  bfloat16: 'BF16',
  float16: 'F16',
  float32: 'F32',
  float64: 'F64',
};

/** The dtype behind a safetensors name, null for the integer, complex and 8-bit ones. */
export function dtypeOfSafetensors(name: string): Dtype | null {
  const found = Object.entries(safetensorsNames).find(([, known]) => known === name);
  return found === undefined ? null : (found[0] as Dtype);
}

/**
 * Decodes little-endian elements exactly: every bfloat16, float16 and float32 is a float64. Signed zeros,
 * subnormals and infinities stay what they are; a NaN stays a NaN, its payload may change.
 *
 * @param bytes at least `into.length` elements of `dtype`, any alignment
 * @param into filled from its start to its end
 */
export function decodeFloats(bytes: Uint8Array, dtype: Dtype, into: Float64Array): void {
  const needed = into.length * dtypeBytes[dtype];
  if (bytes.length < needed) {
    throw new RangeError(`decodeFloats: ${into.length} ${dtype} need ${needed} bytes, not ${bytes.length}`);
  }
  // A DataView rather than a typed array: it takes any byte offset, and the order of bytes is the file's, whatever
  // the processor's is.
  const view = new DataView(bytes.buffer, bytes.byteOffset, needed);
  switch (dtype) {
    case 'bfloat16':
      for (let i = 0; i < into.length; i++) into[i] = decodeBfloat16(view.getUint16(i * 2, true));
      break;
    case 'float16':
      for (let i = 0; i < into.length; i++) into[i] = decodeFloat16(view.getUint16(i * 2, true));
      break;
    case 'float32':
      for (let i = 0; i < into.length; i++) into[i] = view.getFloat32(i * 4, true);
      break;
    case 'float64':
      for (let i = 0; i < into.length; i++) into[i] = view.getFloat64(i * 8, true);
      break;
  }
}

const scratch = new DataView(new ArrayBuffer(4));

/** A bfloat16 is the upper half of a float32. */
function decodeBfloat16(bits: number): number {
  scratch.setUint32(0, bits * 0x10000);
  return scratch.getFloat32(0);
}

/** The value of a float16's lowest mantissa bit by biased exponent, 0 (subnormal) to 30. */
const float16Steps = Float64Array.from({ length: 31 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits with bias 15, 10 mantissa bits. */
function decodeFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? mantissa : 1024 + mantissa) * float16Steps[exponent]!;
}
