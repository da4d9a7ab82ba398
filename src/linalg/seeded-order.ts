import { uniform } from './uniform.js';

/** Puts 0 to count - 1 into a random order, which follows from the seed alone (Fisher and Yates). */
export function seededOrder(count: number, seed: number): Int32Array {
  const random = uniform(seed, 0);
  const order = Int32Array.from({ length: count }, (_, k) => k);
  for (let k = count - 1; k > 0; k--) {
    const other = Math.floor(random() * (k + 1));
    [order[k], order[other]] = [order[other]!, order[k]!];
  }
  return order;
}
