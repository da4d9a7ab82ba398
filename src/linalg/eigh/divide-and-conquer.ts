import { deflate } from './deflation.js';
import { implicitQl, type QlSolver } from './implicit-ql.js';
import { mergeRows, mergeScratch } from './merge-rows.js';
import { type SecularSolver, solveSecular } from './secular.js';
import type { SizedProduct } from './sized-product.js';

/** Largest order at which the QL method is faster than another division. */
const LEAF = 32;

/** Tools of a division: kernels, the memory that they work on, and products. */
export interface Workshop extends SecularSolver, QlSolver {
  /** Product to use where the result has this many columns. */
  product(columns: number): SizedProduct;
}

/**
 * Eigenvalues and eigenvectors of a symmetric tridiagonal matrix of norm about 1 by Cuppen's divide and conquer, as
 * LAPACK's dstedc: T is torn into two halves and a rank-one matrix, the halves are solved alike, and the rank-one
 * problem that merges them is a secular equation.
 * @param diagonal [n], becomes the eigenvalues, ascending
 * @param offDiagonal [n - 1] or longer
 * @param z [n, n] row-major, zeros, becomes the eigenvectors as columns
 */
export async function divideAndConquer(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  z: Float64Array,
  workshop: Workshop,
): Promise<void> {
  await divide({ diagonal, offDiagonal, z, workshop }, 0, diagonal.length);
}

/** Matrix under division: tridiagonal matrix and eigenvectors, which are replaced as they are found. */
interface Division {
  diagonal: Float64Array;
  offDiagonal: Float64Array;
  z: Float64Array;
  workshop: Workshop;
}

/** Solves the rows first <= i < end, torn off from the others. */
async function divide(division: Division, first: number, end: number): Promise<void> {
  const { diagonal, offDiagonal, z, workshop } = division;
  const n = diagonal.length;
  const size = end - first;
  if (size <= LEAF) {
    const vectors = implicitQl(diagonal.subarray(first, end), offDiagonal.subarray(first), workshop);
    for (let i = 0; i < size; i++) {
      z.set(vectors.subarray(i * size, (i + 1) * size), (first + i) * n + first);
    }
    return;
  }
  const middle = first + (size >> 1);
  const coupling = Math.abs(offDiagonal[middle - 1]!);
  diagonal[middle - 1]! -= coupling;
  diagonal[middle]! -= coupling;
  await divide(division, first, middle);
  await divide(division, middle, end);
  await merge(division, first, middle, end);
}

/** Joins the solved rows first <= i < middle and middle <= i < end, which were torn apart. */
async function merge(
  { diagonal, offDiagonal, z, workshop }: Division,
  first: number,
  middle: number,
  end: number,
): Promise<void> {
  const n = diagonal.length;
  const size = end - first;
  const half = middle - first;
  const corner = first * n + first;
  const lowerCorner = corner + half * n;
  const coupling = offDiagonal[middle - 1]!;
  // The torn off matrix is rho w w^T with w = (last unit vector; +-first unit vector) / sqrt 2.
  const weights = new Float64Array(size);
  for (let j = 0; j < half; j++) weights[j] = z[lowerCorner - n + j]! * Math.SQRT1_2;
  const sign = coupling < 0 ? -Math.SQRT1_2 : Math.SQRT1_2;
  for (let j = half; j < size; j++) weights[j] = z[lowerCorner + j]! * sign;
  const d = diagonal.subarray(first, end);
  const rho = 2 * Math.abs(coupling);
  const deflation = deflate(d, weights, rho, half);

  const scratchBytes = mergeScratch(size, deflation) * 8;
  const { roots, panels, extra: scratch } = solveSecular(deflation, rho, workshop, scratchBytes);
  const { eigenvalues, ...targets } = mergeValues(roots, deflation.deflatedValues);
  d.set(eigenvalues);
  const solution = { size, deflation, panels, ...targets, scratch, product: workshop.product(roots.length) };
  await mergeRows({ z, stride: n, at: corner, rows: half }, 'upper', solution);
  await mergeRows({ z, stride: n, at: lowerCorner, rows: size - half }, 'lower', solution);
}

/** Merges two ascending lists of eigenvalues; the targets are the indices to which each of them went. */
function mergeValues(roots: Float64Array, deflated: Float64Array) {
  const eigenvalues = new Float64Array(roots.length + deflated.length);
  const rootTargets = new Int32Array(roots.length);
  const deflatedTargets = new Int32Array(deflated.length);
  let i = 0;
  let j = 0;
  for (let k = 0; k < eigenvalues.length; k++) {
    if (j === deflated.length || (i < roots.length && roots[i]! <= deflated[j]!)) {
      eigenvalues[k] = roots[i]!;
      rootTargets[i++] = k;
    } else {
      eigenvalues[k] = deflated[j]!;
      deflatedTargets[j++] = k;
    }
  }
  return { eigenvalues, rootTargets, deflatedTargets };
}
