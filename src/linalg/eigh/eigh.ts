import { availableParallelism } from 'node:os';
import { type KernelVariant, kernelVariant } from '../kernels/eigh-kernels.js';
import { checkSymmetricInput } from '../symmetric-input.js';
import { reduceBlocked } from './blocked.js';
import { divideAndConquer } from './divide-and-conquer.js';
import { SLICES } from './packed-triangle.js';
import { withProduct } from './sized-product.js';
import type { TridiagonalForm } from './tridiagonal-form.js';
import { reduceUnblocked, UNBLOCKED_ORDER } from './unblocked.js';
import { Workbench } from './workbench.js';

/** Order from which on threads are started for the tridiagonalisation: about 50 ms pass until they work. */
const TEAM_ORDER = 1600;
/** Rows that each of them must have to work on. */
const ROWS_PER_THREAD = 400;

/**
 * Rows for each thread of the products behind it, which start in less than 1 ms: so many that the products of the halves' merges
 * are divided as well, if no more than a fifth of their columns is deflated.
 */
const ROWS_PER_PRODUCT_THREAD = 320;

/**
 * Columns a thread from which on a product may be divided among threads: onnxruntime sums in other stretches where a
 * thread has 64 columns or fewer, and the bits would depend on the number of threads.
 */
const COLUMNS_PER_THREAD = 128;

/** Exponent of two by which a matrix is scaled at once: 2 ** 1074, which the smallest would need, is not finite. */
const LARGEST_STEP = 1000;

/** All eigenvalues and eigenvectors of a symmetric matrix of order n. */
export interface Eigendecomposition {
  /** [n], ascending. */
  eigenvalues: Float64Array;
  /** [n, n] row-major, column j belongs to eigenvalue j; orthonormal, signs arbitrary. */
  eigenvectors: Float64Array;
}

/** Options of the portable eigensolver. */
export interface EighOptions {
  /**
   * Most threads to use, by default as many as the machine has cores. The largest power of two among them, at
   * most 8, are used, fewer where n is small; the bits of the result do not depend on it.
   */
  threads?: number;
  /** Vector instructions to use, by default the best that engine and processor have. */
  variant?: KernelVariant;
}

/**
 * Computes all eigenvalues and eigenvectors of a symmetric matrix, in float64: Householder tridiagonalisation, divide
 * and conquer, back-transformation.
 *
 * Memory beyond the matrix and the result: n^2 / 2 values for the reflectors (n^2 up to order 256) and, one after the
 * other, up to n^2 for two copies of the triangle or n^2 for the eigenvectors of the last merge; with strips and vectors,
 * 500 n more, and some 20 MB for each thread while it lives. Threads end, and sessions of several threads are released.
 * @param matrix [n, n] row-major; only its lower triangle is read; not modified
 * @throws InputError when an entry is not finite; RunError when an iteration does not converge
 */
export async function eigh(
  matrix: Float64Array,
  n: number,
  { threads: mostThreads = availableParallelism(), variant = kernelVariant() }: EighOptions = {},
): Promise<Eigendecomposition> {
  checkSymmetricInput(matrix, n);
  const exponent = normExponent(matrix, n);
  if (exponent < -LARGEST_STEP) {
    const step = 2 ** LARGEST_STEP;
    const larger = matrix.map((value) => value * step);
    const { eigenvalues, eigenvectors } = await eigh(larger, n, { threads: mostThreads, variant });
    return { eigenvalues: eigenvalues.map((value) => value / step), eigenvectors };
  }
  const scaled = { values: matrix, n, scale: 2 ** -exponent };
  const most = Math.min(mostThreads, SLICES);
  const threads = n < TEAM_ORDER ? 1 : powerOfTwo(Math.min(most, n / ROWS_PER_THREAD));
  const productThreads = powerOfTwo(Math.min(most, n / ROWS_PER_PRODUCT_THREAD));
  const bench = Workbench.take(variant);
  try {
    const form =
      n <= UNBLOCKED_ORDER ? reduceUnblocked(scaled, bench) : await reduceBlocked(scaled, threads, bench);
    const { eigenvalues, eigenvectors } = await decompose(form, productThreads, bench);
    const unit = 2 ** exponent;
    return { eigenvalues: eigenvalues.map((value) => value * unit), eigenvectors };
  } finally {
    bench.leave();
  }
}

/** Decomposes a matrix in tridiagonal form, whose diagonal becomes the eigenvalues. */
async function decompose(
  { diagonal, offDiagonal, transformBack }: TridiagonalForm,
  threads: number,
  bench: Workbench,
): Promise<Eigendecomposition> {
  const n = diagonal.length;
  const eigenvectors = new Float64Array(n * n);
  // One session for both steps: the idle threads of another would spin beside its own.
  await withProduct(threads, bench, (divided) =>
    withProduct(1, bench, async (whole) => {
      const product = (columns: number) => (columns >= COLUMNS_PER_THREAD * threads ? divided : whole);
      await divideAndConquer(diagonal, offDiagonal, eigenvectors, { ...bench, product });
      await transformBack(eigenvectors, divided);
    }),
  );
  return { eigenvalues: diagonal, eigenvectors };
}

/** Largest power of two that is at most `limit`; 1 for less. */
function powerOfTwo(limit: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, limit)));
}

/** Exponent of two that scales the largest magnitude to [1, 2), exactly; 0 for a zero matrix. */
function normExponent(matrix: Float64Array, n: number): number {
  let largest = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      largest = Math.max(largest, Math.abs(matrix[i * n + j]!));
    }
  }
  return largest === 0 ? 0 : Math.floor(Math.log2(largest));
}
