/**
 * Makes random signs, the same for the same seed (xorshift32; Marsaglia, 2003).
 *
 * @param seed not 0
 * @returns [count], each 1 or -1
 */
export function randomSigns(count: number, seed: number): Float64Array {
  let state = seed;
  const signs = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    signs[k] = state & 0x10000 ? 1 : -1;
  }
  return signs;
}
