import { randomSigns } from './random-signs.js';

/** Seed of the probe, fixed: it is random with respect to the data, and the same for every verification of a run. */
const SEED = 0x2545f491;

/**
 * Makes a random unit vector r = (+-1, ..., +-1) / sqrt(d) and its image V r. A product P that differs from gamma V
 * anywhere fails P r = gamma (V r) with probability at least 1/2, whatever the difference (Freivalds, 1977).
 * @param eigenvectors V, [d, d] float32 row-major
 */
export function freivaldsProbe(
  eigenvectors: Float32Array,
  d: number,
): { vector: Float64Array; image: Float64Array } {
  const vector = randomSigns(d, SEED).map((sign) => sign / Math.sqrt(d));
  const image = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) image[i]! += eigenvectors[i * d + j]! * vector[j]!;
  }
  return { vector, image };
}
