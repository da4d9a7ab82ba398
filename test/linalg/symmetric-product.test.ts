import test from 'ava';
import { OuterProducts } from '../../src/linalg/outer-products.js';
import { symmetricProduct } from '../../src/linalg/symmetric-product.js';
import type { RowRange } from '../../src/plan/row-ranges.js';
import { randomFloat64 } from '../helpers/random.js';
import { sameBits } from '../helpers/same-bits.js';

/** Lower triangle of A diag(w) A^T, [n, n], zeros above it. */
async function lowerTriangle(a: Float64Array, n: number, threads: number, weights?: Float64Array) {
  const sums = await OuterProducts.create(threads);
  const matrix = new Float64Array(n * n);
  const k = a.length / n;
  const rowsOfB = ({ first, count }: RowRange) => ({
    values: a.slice(first * k, (first + count) * k).map((value, at) => value * (weights?.[at % k] ?? 1)),
    rows: count,
    columns: k,
  });
  await symmetricProduct({ values: a, rows: n, columns: k }, rowsOfB, sums, ({ first, width, values }) => {
    for (let i = first; i < n; i++)
      for (let j = first; j < Math.min(first + width, i + 1); j++)
        matrix[i * n + j] = values[(i - first) * width + j - first]!;
  });
  await sums.release();
  return matrix;
}

test('a symmetric product has the entries of its definition, at one block, its neighbours, and beyond', async (t) => {
  for (const [n, k] of [
    [1, 1],
    [3, 5],
    [255, 7],
    [256, 3],
    [257, 64],
    [600, 10],
    [640, 3],
    [641, 3],
    [1290, 9],
  ] as const) {
    const a = randomFloat64(n * k, n);
    const weights = randomFloat64(k, 2);
    for (const given of [undefined, weights]) {
      const matrix = await lowerTriangle(a, n, 1, given);
      let largest = 0;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j <= i; j++) {
          let sum = 0;
          for (let l = 0; l < k; l++) sum += a[i * k + l]! * (given?.[l] ?? 1) * a[j * k + l]!;
          largest = Math.max(largest, Math.abs(sum - matrix[i * n + j]!));
        }
      }
      t.true(largest <= 2 * k * Number.EPSILON, `${n} x ${k}: ${largest}`);
    }
  }
});

test('the bits of a symmetric product do not depend on the number of threads', async (t) => {
  for (const n of [64, 300, 512, 640, 641, 777]) {
    const a = randomFloat64(n * n, n);
    const one = await lowerTriangle(a, n, 1);
    for (const threads of [2, 3, 8]) sameBits(t, await lowerTriangle(a, n, threads), one, `${n}, ${threads}`);
  }
});
