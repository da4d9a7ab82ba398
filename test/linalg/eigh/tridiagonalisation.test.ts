import test from 'ava';
import { reduceBlocked } from '../../../src/linalg/eigh/blocked.js';
import { withProduct } from '../../../src/linalg/eigh/sized-product.js';
import { reduceUnblocked } from '../../../src/linalg/eigh/unblocked.js';
import { Workbench } from '../../../src/linalg/eigh/workbench.js';
import { type KernelVariant, kernelVariant } from '../../../src/linalg/kernels/eigh-kernels.js';
import { randomNumbers } from '../../helpers/random.js';

const variants = new Set(['plain', kernelVariant()] as const);

for (const variant of variants) {
  for (const method of ['unblocked', 'blocked'] as const) {
    test(`the ${variant} ${method} kernels give A = Q T Q^T with an orthogonal Q`, async (t) => {
      for (const n of [1, 2, 3, 5, 8, 33, 64, 67, 130, 200]) {
        const random = randomNumbers(n);
        const a = new Float64Array(n * n);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = random.uniform() - 0.5;
        }
        const { diagonal, offDiagonal, q } = await reduce(a, n, method, variant);
        const rebuilt = new Float64Array(n * n);
        const gram = new Float64Array(n * n);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            for (let k = 0; k < n; k++) {
              const above = k > 0 ? offDiagonal[k - 1]! * q[j * n + k - 1]! : 0;
              const below = k < n - 1 ? offDiagonal[k]! * q[j * n + k + 1]! : 0;
              rebuilt[i * n + j]! += q[i * n + k]! * (above + diagonal[k]! * q[j * n + k]! + below);
              gram[i * n + j]! += q[i * n + k]! * q[j * n + k]!;
            }
          }
        }
        const difference = Math.max(...rebuilt.map((value, k) => Math.abs(value - a[k]!)));
        const deviation = Math.max(
          ...gram.map((value, k) => Math.abs(value - (k % n === Math.floor(k / n) ? 1 : 0))),
        );
        // A product of n reflectors, each orthogonal to a few epsilon; the entries of A are at most 1/2.
        const tolerance = 4 * Math.sqrt(n) * Number.EPSILON;
        t.log(
          `n = ${n}: |A - Q T Q^T| ${difference.toExponential(1)}, |Q Q^T - I| ${deviation.toExponential(1)}`,
        );
        t.true(difference <= tolerance && deviation <= tolerance, `above ${tolerance.toExponential(1)}`);
      }
    });
  }
}

async function reduce(
  values: Float64Array,
  n: number,
  method: 'unblocked' | 'blocked',
  variant: KernelVariant,
) {
  const bench = Workbench.take(variant);
  const matrix = { values, n, scale: 1 };
  const form = method === 'blocked' ? await reduceBlocked(matrix, 1, bench) : reduceUnblocked(matrix, bench);
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  await withProduct(1, bench, (product) => form.transformBack(q, product));
  bench.leave();
  return { ...form, q };
}
