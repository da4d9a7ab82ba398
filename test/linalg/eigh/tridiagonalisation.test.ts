import test from 'ava';
import { backTransform } from '../../../src/linalg/eigh/back-transformation.js';
import { packPanel } from '../../../src/linalg/eigh/packed-triangle.js';
import { Reflectors } from '../../../src/linalg/eigh/reflectors.js';
import { SizedProduct } from '../../../src/linalg/eigh/sized-product.js';
import { tridiagonalise } from '../../../src/linalg/eigh/tridiagonalisation.js';
import { Workbench } from '../../../src/linalg/eigh/workbench.js';
import { kernelVariant } from '../../../src/linalg/kernels/eigh-kernels.js';
import { Product } from '../../../src/linalg/product.js';
import { randomNumbers } from '../../helpers/random.js';

const variants = new Set(['plain', kernelVariant()] as const);

for (const variant of variants) {
  test(`the ${variant} kernels give A = Q T Q^T with an orthogonal Q`, async (t) => {
    for (const n of [1, 2, 5, 64, 130, 200]) {
      const random = randomNumbers(n);
      const a = new Float64Array(n * n);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = random.uniform() - 0.5;
      }
      const { diagonal, offDiagonal, q } = await reduce(a, n, variant);
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

async function reduce(a: Float64Array, n: number, variant: 'plain' | 'fused') {
  const bench = Workbench.take(variant);
  const { memory, householder: kernels } = bench;
  const product = new SizedProduct(bench, () => Product.createAccumulating(1));
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const reflectors = new Reflectors(n);
  await tridiagonalise({
    n,
    threads: 1,
    index: 0,
    memory,
    kernels,
    product,
    loadPanels: async (panels) => {
      for (const [panel, out] of panels) packPanel({ values: a, n, scale: 1 }, panel, out);
    },
    exchangeColumns: () => {},
    exchangeSums: () => {},
    onColumn: (j, column, vector) => {
      diagonal[j] = column.diagonal;
      offDiagonal[j] = column.offDiagonal;
      reflectors.set(j, column.tau, vector);
    },
  });
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  await backTransform(reflectors, q, n, { memory, kernels, product });
  await product.release();
  return { diagonal, offDiagonal, q };
}
