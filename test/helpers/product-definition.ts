import type { ExecutionContext } from 'ava';
import type { Matrix } from '../../src/linalg/matrix.js';

type Values = Float32Array | Float64Array;

/** Shapes [m, k, n] to try: one row, the vector widths of the kernels, and each one beside. */
export const sizes = [
  [1, 1, 1],
  [1, 5, 3],
  [2, 1, 2],
  [2, 7, 1],
  [3, 31, 33],
  [15, 16, 17],
  [16, 64, 48],
  [63, 65, 64],
  [129, 128, 127],
  [40, 257, 100],
] as const;

/** Products A B and |A| |B| by their definition, in float64. */
export function reference({ values: a, rows: m, columns: k }: Matrix<Values>, b: Matrix<Values>) {
  const n = b.columns;
  const product = new Float64Array(m * n);
  const magnitude = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      for (let j = 0; j < n; j++) {
        const term = a[i * k + l]! * b.values[l * n + j]!;
        product[i * n + j]! += term;
        magnitude[i * n + j]! += Math.abs(term);
      }
    }
  }
  return { product, magnitude };
}

/**
 * Largest |actual - expected| in units of `tolerance` times the sum of the terms' magnitudes: k u for k
 * products and sums that each round by u, in whatever order they are taken. NaN stays.
 */
export function worstRatio(
  actual: Values,
  expected: Float64Array,
  magnitude: Float64Array,
  tolerance: number,
): number {
  let worst = 0;
  for (let index = 0; index < expected.length; index++) {
    const ratio = Math.abs(actual[index]! - expected[index]!) / (tolerance * magnitude[index]!);
    if (!(ratio <= worst)) worst = ratio;
  }
  return worst;
}

/** Asserts that a ratio is at most 1, and logs it. */
export function assertWithin(t: ExecutionContext, what: string, ratio: number): void {
  t.log(`${what}: largest deviation ${ratio.toExponential(2)} of its tolerance`);
  t.true(ratio <= 1);
}
