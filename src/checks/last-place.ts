import { FLOAT32_ROUNDOFF } from './rounding.js';

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** Exponent bits of a float32 number. */
const EXPONENT = 0x7f800000;

/** Distance of a positive float32 number from the next. */
export function lastPlace(value: number): number {
  float[0] = value;
  bits[0]! &= EXPONENT;
  return float[0]! * 2 * FLOAT32_ROUNDOFF;
}
