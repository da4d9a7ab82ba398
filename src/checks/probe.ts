import { randomSigns } from './random-signs.js';

/** Vectors of a probe. */
export const PROBE_VECTORS = 2;

/** Seed of the probe, fixed: it is random with respect to the data, and the same for every verification of a run. */
const SEED = 0x2545f491;

/** Multiples of the golden ratio lie evenly in [0, 1) but for their whole parts, neighbours far from each other. */
const GOLDEN_RATIO = (1 + Math.sqrt(5)) / 2;

/** Random unit vectors r, and their images V r, each [2, d]. */
export interface Probe {
  vectors: Float64Array;
  images: Float64Array;
}

/**
 * Makes two random unit vectors r and their images V r. A product P that differs from gamma V anywhere fails
 * P r = gamma (V r) with probability at least 1/2 for each of them, whatever the difference (Freivalds, 1977).
 *
 * The first one, (+-1, ..., +-1) / sqrt(d), weighs all columns alike. In the second one no two entries are of one size, so that
 * columns cannot change places unseen: their squares are spread from 1/2 to 3/2 of 1 / d.
 *
 * @param eigenvectors V, [d, d] float32 row-major
 */
export function freivaldsProbe(eigenvectors: Float32Array, d: number): Probe {
  const signs = randomSigns(PROBE_VECTORS * d, SEED);
  const sizes = Float64Array.from({ length: d }, (_, j) => Math.sqrt(0.5 + ((j * GOLDEN_RATIO) % 1)));
  const length = Math.hypot(...sizes);
  const vectors = signs.map((sign, k) => sign * (k < d ? 1 / Math.sqrt(d) : sizes[k - d]! / length));
  const images = new Float64Array(PROBE_VECTORS * d);
  for (let i = 0; i < d; i++) {
    let [image, other] = [0, 0];
    for (let j = 0; j < d; j++) {
      const value = eigenvectors[i * d + j]!;
      image += value * vectors[j]!;
      other += value * vectors[d + j]!;
    }
    images[i] = image;
    images[d + i] = other;
  }
  return { vectors, images };
}
