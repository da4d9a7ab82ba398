import { availableParallelism } from 'node:os';
import { InputError } from '../errors.js';
import { backTransform } from './eigh/back-transformation.js';
import { divideAndConquer } from './eigh/divide-and-conquer.js';
import { kernelVariant, loadHouseholderKernels, loadSecularKernels } from './eigh/kernels.js';
import { packPanel, SLICES } from './eigh/packed-triangle.js';
import { Reflectors } from './eigh/reflectors.js';
import { tridiagonalise } from './eigh/tridiagonalisation.js';
import { KernelMemory } from './kernel-memory.js';
import { Product } from './product.js';

export interface Eigendecomposition {
  /** [n], ascending. */
  eigenvalues: Float64Array;
  /** [n, n] row-major, column j belongs to eigenvalue j; orthonormal, signs arbitrary. */
  eigenvectors: Float64Array;
}

/**
 * All eigenvalues and eigenvectors of a symmetric matrix, in float64.
 * @param matrix [n, n] row-major; only its lower triangle is read; not modified
 * @throws InputError when an entry is not finite; RunError when an iteration does not converge
 */
export async function eigh(
  matrix: Float64Array,
  n: number,
  options: { threads?: number } = {},
): Promise<Eigendecomposition> {
  const threads = options.threads ?? availableParallelism();
  if (!(Number.isInteger(n) && n >= 1 && matrix.length === n * n)) {
    throw new InputError(
      `eigh takes a matrix of n x n values, n >= 1; got n = ${n} and ${matrix.length} values`,
    );
  }
  const exponent = normExponent(matrix, n);
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const reflectors = new Reflectors(n);
  const memory = new KernelMemory();
  const multiply = await Product.create('float64', threads);
  const single = await Product.create('float64', 1);
  const accumulate = await Product.createAccumulating('float64', threads);
  const kernels = loadHouseholderKernels(memory.memory, kernelVariant());
  await tridiagonalise({
    n,
    slices: Array.from({ length: SLICES }, (_, s) => s),
    memory,
    kernels,
    product: accumulate,
    loadPanel: (panel, out) => packPanel(matrix, n, 2 ** -exponent, panel, out),
    exchangeColumns: () => {},
    exchangeSums: () => {},
    onColumn: (j, d, e, tau, vector) => {
      diagonal[j] = d;
      offDiagonal[j] = e;
      reflectors.set(j, tau, vector);
    },
  });
  const eigenvectors = new Float64Array(n * n);
  await divideAndConquer(diagonal, offDiagonal, eigenvectors, {
    memory,
    kernels: loadSecularKernels(memory.memory),
    product: (columns) => (columns >= 256 ? multiply : single),
  });
  await backTransform(reflectors, eigenvectors, n, { memory, kernels, multiply, accumulate });
  await Promise.all([multiply.release(), single.release(), accumulate.release()]);
  return { eigenvalues: diagonal.map((value) => value * 2 ** exponent), eigenvectors };
}

/** The exponent of two that scales the largest magnitude to [1, 2), exactly; 0 for a zero matrix. */
function normExponent(matrix: Float64Array, n: number): number {
  let largest = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const magnitude = Math.abs(matrix[i * n + j]!);
      if (!(magnitude <= Number.MAX_VALUE)) {
        throw new InputError(
          `the matrix has ${matrix[i * n + j]} at row ${i}, column ${j}: it must be finite`,
        );
      }
      if (magnitude > largest) largest = magnitude;
    }
  }
  // No further down than where 2 ** -exponent is finite.
  return largest === 0 ? 0 : Math.max(-1000, Math.floor(Math.log2(largest)));
}
