import { availableParallelism } from 'node:os';
import { InputError } from '../errors.js';
import { backTransform } from './eigh/back-transformation.js';
import { divideAndConquer } from './eigh/divide-and-conquer.js';
import { kernelVariant, loadHouseholderKernels, loadSecularKernels } from './eigh/kernels.js';
import { packPanel, SLICES } from './eigh/packed-triangle.js';
import { Reflectors } from './eigh/reflectors.js';
import { slicesOfThread } from './eigh/shared-state.js';
import { Team } from './eigh/team.js';
import { tridiagonalise } from './eigh/tridiagonalisation.js';
import { KernelMemory } from './kernel-memory.js';
import { Product } from './product.js';

/** A thread costs about 50 ms to start: it must have this many rows to work on. */
const ROWS_PER_THREAD = 400;

export interface Eigendecomposition {
  /** [n], ascending. */
  eigenvalues: Float64Array;
  /** [n, n] row-major, column j belongs to eigenvalue j; orthonormal, signs arbitrary. */
  eigenvectors: Float64Array;
}

/**
 * All eigenvalues and eigenvectors of a symmetric matrix, in float64: Householder tridiagonalisation, divide and
 * conquer, back-transformation. On one machine the result has the same bits for any number of threads.
 *
 * Memory beyond matrix and eigenvectors: about 2 n^2 values (the reflectors, n^2 / 2, and the eigenvectors of the
 * last merge, n^2, beside copies in strips), and some 15 MB a thread.
 * @param matrix [n, n] row-major; only its lower triangle is read; not modified
 * @param options.threads the most threads to use; by default as many as the machine has cores
 * @throws InputError when an entry is not finite; RunError when an iteration does not converge
 */
export async function eigh(
  matrix: Float64Array,
  n: number,
  options: { threads?: number } = {},
): Promise<Eigendecomposition> {
  if (!(Number.isInteger(n) && n >= 1 && matrix.length === n * n)) {
    throw new InputError(
      `eigh takes a matrix of n x n values, n >= 1; got n = ${n} and ${matrix.length} values`,
    );
  }
  const available = options.threads ?? availableParallelism();
  const threads = Math.max(1, Math.min(available, SLICES, Math.floor(n / ROWS_PER_THREAD)));
  const exponent = normExponent(matrix, n);
  const variant = kernelVariant();
  const team = threads > 1 ? Team.start(n, threads, variant) : null;
  const products = {
    multiply: await Product.create('float64', threads),
    multiplyAlone: await Product.create('float64', 1),
    accumulate: await Product.createAccumulating('float64', threads),
    accumulateAlone: await Product.createAccumulating('float64', 1),
  };
  try {
    const diagonal = new Float64Array(n);
    const offDiagonal = new Float64Array(n);
    const reflectors = new Reflectors(n);
    const memory = new KernelMemory();
    const kernels = loadHouseholderKernels(memory.memory, variant);
    const slices = slicesOfThread(0, threads);
    const scale = 2 ** -exponent;
    const t0 = performance.now();
    team?.sendPanels(matrix, n, scale);
    const t00 = performance.now();
    await tridiagonalise({
      n,
      slices,
      memory,
      kernels,
      product: products.accumulateAlone,
      loadPanels: (panels) => {
        for (const [panel, out] of panels) packPanel(matrix, n, scale, panel, out);
      team?.shared.barrier.pass();
      },
      exchangeColumns: (columns, first, owned) => team?.shared.exchangeColumns(columns, first, owned),
      exchangeSums: (sums, first) => team?.shared.exchangeSums(sums, first, slices),
      onColumn: (j, d, e, tau, vector) => {
        diagonal[j] = d;
        offDiagonal[j] = e;
        reflectors.set(j, tau, vector);
      },
    });
    const t1 = performance.now();
    const eigenvectors = new Float64Array(n * n);
    await divideAndConquer(diagonal, offDiagonal, eigenvectors, {
      memory,
      kernels: loadSecularKernels(memory.memory),
      place: team && { shared: team.shared, index: 0 },
      product: (columns) => (columns >= 128 * threads ? products.multiply : products.multiplyAlone),
    });
    await team?.finish();
    const t2 = performance.now();
    await backTransform(reflectors, eigenvectors, n, { memory, kernels, ...products });
    const t3 = performance.now();
    if (process.env.EIGH_TIMES)
      console.log(
        `send ${(t00 - t0).toFixed(0)} tri ${(t1 - t00).toFixed(0)} dc ${(t2 - t1).toFixed(0)} back ${(t3 - t2).toFixed(0)}`,
      );
    return { eigenvalues: diagonal.map((value) => value * 2 ** exponent), eigenvectors };
  } catch (error) {
    throw team ? await team.abandon(error) : error;
  } finally {
    await Promise.all(Object.values(products).map((product) => product.release()));
  }
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
