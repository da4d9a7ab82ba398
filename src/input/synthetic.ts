import { uniform } from '../linalg/uniform.js';

/** A recipe of a synthetic checkpoint, which always gives the same bytes. */
export interface SyntheticRecipe {
  rows: number;
  hidden: number;
  seed: number;
}

/** Part of a synthetic checkpoint's fingerprint: raised whenever the bytes below change. */
export const SYNTHETIC_VERSION = 1;

/** The median variance of a direction and the norm of the mean row, as measured on Qwen3-4B's unembedding matrix. */
const MEDIAN_VARIANCE = 3e-4;
const MEAN_NORM = 0.4;

/**
 * A made-up vocabulary with the shape of a real one: gamma_i = mu + Q (sigma * u_i), where
 * - u_i are independent uniform numbers of unit variance,
 * - sigma_j^2 spans three orders of magnitude (a logistic quantile curve, close to Qwen3-4B's spectrum),
 * - Q is an orthogonal butterfly, log2(d) rounds of plane rotations by random angles, which mixes the uniform
 *   coordinates into nearly normal ones at 2 d log2(d) operations a row,
 * - the last 1/512 of the rows repeat one row, as the unused rows of real vocabularies do.
 *
 * A row depends on the recipe and its own index only, so any range can be made anywhere.
 * @returns a function that writes row `row` as float32 [d] into `out`.
 */
export function syntheticRows(recipe: SyntheticRecipe): (row: number, out: Float32Array) => void {
  const { rows, hidden, seed } = recipe;
  const rotations = butterfly(hidden, seed);
  const deviations = Float64Array.from({ length: hidden }, (_, j) => {
    const quantile = (j + 0.5) / hidden;
    return Math.sqrt(3 * MEDIAN_VARIANCE) * (quantile / (1 - quantile)) ** 0.21;
  });
  const mean = meanRow(hidden, seed);
  const firstRepeated = rows - Math.floor(rows / 512);
  const values = new Float64Array(hidden);

  return (row, out) => {
    const random = uniform(seed, Math.min(row, firstRepeated));
    for (let j = 0; j < hidden; j++) values[j] = deviations[j]! * (2 * random() - 1);
    rotate(values, rotations);
    for (let j = 0; j < hidden; j++) out[j] = mean[j]! + values[j]!;
  };
}

/** cos and sin of every rotation, in the order in which `rotate` meets the pairs. */
function butterfly(d: number, seed: number): Float64Array {
  const random = uniform(seed, -1);
  const pairs: number[] = [];
  for (let stride = 1; stride < d; stride *= 2) {
    for (let i = 0; i < d - stride; i++) {
      if ((i & stride) !== 0) continue;
      const angle = 2 * Math.PI * random();
      pairs.push(Math.cos(angle), Math.sin(angle));
    }
  }
  return Float64Array.from(pairs);
}

function rotate(values: Float64Array, rotations: Float64Array): void {
  const d = values.length;
  let next = 0;
  for (let stride = 1; stride < d; stride *= 2) {
    for (let group = 0; group < d - stride; group += 2 * stride) {
      const end = Math.min(group + stride, d - stride);
      for (let i = group; i < end; i++) {
        const cos = rotations[next++]!;
        const sin = rotations[next++]!;
        const a = values[i]!;
        const b = values[i + stride]!;
        values[i] = cos * a - sin * b;
        values[i + stride] = sin * a + cos * b;
      }
    }
  }
}

function meanRow(d: number, seed: number): Float64Array {
  const random = uniform(seed, -2);
  const direction = Float64Array.from({ length: d }, () => 2 * random() - 1);
  const norm = Math.hypot(...direction);
  return direction.map((value) => (MEAN_NORM * value) / norm);
}
