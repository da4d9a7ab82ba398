import type { SecularKernels } from '../kernels/eigh-kernels.js';
import type { KernelMemory } from '../kernels/kernel-memory.js';
import type { Product } from '../product.js';
import { deflate } from './deflation.js';
import { implicitQl } from './implicit-ql.js';
import { mergeRows, mergeScratch } from './merge-rows.js';
import { solveSecular } from './secular.js';

/** Up to this order the QL method is faster than another division. */
const LEAF = 32;

/** What a division works with: the kernels work on `memory`. */
export interface Workshop {
  memory: KernelMemory;
  kernels: SecularKernels;
  /** The product to use where the result has this many columns. */
  product(columns: number): Product;
}

/**
 * Eigenvalues and eigenvectors of a symmetric tridiagonal matrix of norm about 1 by Cuppen's divide and conquer, as
 * LAPACK's dstedc: T is torn into two halves and a rank-one matrix, the halves are solved alike, and the rank-one
 * problem that merges them is a secular equation.
 * @param diagonal [n], becomes the eigenvalues, ascending; @param offDiagonal [n - 1] or longer
 * @param z [n, n] row-major, zeros, becomes the eigenvectors as columns
 */
export async function divideAndConquer(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  z: Float64Array,
  workshop: Workshop,
): Promise<void> {
  const n = diagonal.length;
  await solve(0, n);

  async function solve(first: number, end: number): Promise<void> {
    if (end - first <= LEAF) {
      const vectors = implicitQl(diagonal.subarray(first, end), offDiagonal.subarray(first));
      const size = end - first;
      for (let i = 0; i < size; i++) {
        z.set(vectors.subarray(i * size, (i + 1) * size), (first + i) * n + first);
      }
      return;
    }
    const middle = first + ((end - first) >> 1);
    const coupling = offDiagonal[middle - 1]!;
    diagonal[middle - 1]! -= Math.abs(coupling);
    diagonal[middle]! -= Math.abs(coupling);
    await solve(first, middle);
    await solve(middle, end);
    await merge(first, middle, end, coupling);
  }

  async function merge(first: number, middle: number, end: number, coupling: number): Promise<void> {
    const size = end - first;
    const half = middle - first;
    const corner = first * n + first;
    const lowerCorner = corner + half * n;
    // The torn off matrix is rho w w^T with w = (last unit vector; +-first unit vector) / sqrt 2.
    const weights = new Float64Array(size);
    for (let j = 0; j < half; j++) weights[j] = z[lowerCorner - n + j]! * Math.SQRT1_2;
    const sign = coupling < 0 ? -Math.SQRT1_2 : Math.SQRT1_2;
    for (let j = half; j < size; j++) weights[j] = z[lowerCorner + j]! * sign;
    const d = diagonal.subarray(first, end);
    const rho = 2 * Math.abs(coupling);
    const deflation = deflate(d, weights, rho, half);

    const { memory, kernels } = workshop;
    const extraBytes = mergeScratch(size, deflation) * 8;
    const { roots, vectors, extra } = solveSecular(deflation, rho, memory, kernels, extraBytes);
    const { eigenvalues, rootPlaces, deflatedPlaces } = mergeValues(roots, deflation.deflatedValues);
    d.set(eigenvalues);
    const product = workshop.product(roots.length);
    const step = { size, deflation, vectors, rootPlaces, deflatedPlaces, scratch: extra, product };
    await mergeRows(z, n, corner, half, 'upper', step);
    await mergeRows(z, n, lowerCorner, size - half, 'lower', step);
  }
}

/** Merges two ascending lists of eigenvalues; the places say where each of them went. */
function mergeValues(roots: Float64Array, deflated: Float64Array) {
  const eigenvalues = new Float64Array(roots.length + deflated.length);
  const rootPlaces = new Int32Array(roots.length);
  const deflatedPlaces = new Int32Array(deflated.length);
  let i = 0;
  let j = 0;
  for (let k = 0; k < eigenvalues.length; k++) {
    if (j === deflated.length || (i < roots.length && roots[i]! <= deflated[j]!)) {
      eigenvalues[k] = roots[i]!;
      rootPlaces[i++] = k;
    } else {
      eigenvalues[k] = deflated[j]!;
      deflatedPlaces[j++] = k;
    }
  }
  return { eigenvalues, rootPlaces, deflatedPlaces };
}
