import { availableParallelism } from 'node:os';
import { type KernelVariant, kernelVariant } from '../kernels/eigh-kernels.js';
import { Product } from '../product.js';
import { checkSymmetricInput } from '../symmetric-input.js';
import { backTransform } from './back-transformation.js';
import { divideAndConquer } from './divide-and-conquer.js';
import { packPanel, type ScaledMatrix, SLICES } from './packed-triangle.js';
import { Reflectors } from './reflectors.js';
import { SizedProduct } from './sized-product.js';
import { Team } from './team.js';
import { tridiagonalise } from './tridiagonalisation.js';
import { Workbench } from './workbench.js';

/** Rows that a thread must have to work on, since it takes about 50 ms to start. */
const ROWS_PER_THREAD = 400;

/**
 * Columns a thread from which on a product may be divided among threads: onnxruntime sums in other stretches where a
 * thread has 64 columns or fewer, and the bits would depend on the number of threads.
 */
const COLUMNS_PER_THREAD = 128;

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
 * Memory beyond the matrix and the result: n^2 / 2 values for the reflectors and, one after the other, up to n^2 for
 * two copies of the triangle or n^2 for the eigenvectors of the last merge; with strips and vectors, 500 n more, and
 * some 20 MB for each thread while it lives. Threads end, and sessions of several threads are released.
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
  const threads = powerOfTwo(Math.min(mostThreads, SLICES, n / ROWS_PER_THREAD));
  const team = Team.start(n, threads, variant);
  const bench = Workbench.take(variant);
  try {
    const scaled = { values: matrix, n, scale: 2 ** -exponent };
    const { eigenvalues, eigenvectors } = await solve(scaled, team, bench);
    return { eigenvalues: eigenvalues.map((value) => value * 2 ** exponent), eigenvectors };
  } catch (error) {
    throw await team.abandon(error);
  } finally {
    bench.leave();
  }
}

/** Eigendecomposition of a matrix times its scale, which has a norm of about 1. */
async function solve(matrix: ScaledMatrix, team: Team, bench: Workbench): Promise<Eigendecomposition> {
  const { n } = matrix;
  const { threads } = team;
  const { memory, householder: kernels } = bench;
  const { diagonal, offDiagonal, reflectors } = await reduce(matrix, team, bench);
  await team.finish();

  const eigenvectors = new Float64Array(n * n);
  const makes = (of: number) => new SizedProduct(bench, () => Product.create(of));
  await withProducts([makes(threads), makes(1)], ([divided, whole]) =>
    divideAndConquer(diagonal, offDiagonal, eigenvectors, {
      ...bench,
      product: (columns) => (columns >= COLUMNS_PER_THREAD * threads ? divided : whole),
    }),
  );

  // A session apart, made now: the idle threads of an earlier one would spin beside its own.
  await withProducts([new SizedProduct(bench, () => Product.createAccumulating(threads))], ([product]) =>
    backTransform(reflectors, eigenvectors, n, { memory, kernels, product }),
  );
  return { eigenvalues: diagonal, eigenvectors };
}

/** Tridiagonalises a matrix with all threads of a team, which this one leads. */
async function reduce(matrix: ScaledMatrix, team: Team, bench: Workbench) {
  const { n } = matrix;
  const { shared, threads } = team;
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const reflectors = new Reflectors(n);
  await withProducts([new SizedProduct(bench, () => Product.createAccumulating(1))], ([product]) =>
    tridiagonalise({
      n,
      threads,
      index: 0,
      memory: bench.memory,
      kernels: bench.householder,
      product,
      loadPanels: async (panels) => {
        team.layPanels(matrix);
        for (const [panel, out] of panels) packPanel(matrix, panel, out);
        await team.release();
      },
      exchangeColumns: (columns, first, owned) => shared.exchangeColumns(columns, first, owned),
      exchangeSums: (sums, first) => shared.exchangeSums(sums, first, 0),
      onColumn: (j, column, vector) => {
        diagonal[j] = column.diagonal;
        offDiagonal[j] = column.offDiagonal;
        reflectors.set(j, column.tau, vector);
      },
    }),
  );
  return { diagonal, offDiagonal, reflectors };
}

/** Runs `use` with products that are released after it. */
async function withProducts<Products extends readonly SizedProduct[]>(
  products: readonly [...Products],
  use: (products: readonly [...Products]) => Promise<void>,
): Promise<void> {
  try {
    await use(products);
  } finally {
    await Promise.all(products.map((product) => product.release()));
  }
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
  // No further down than where 2 ** -exponent is finite.
  return largest === 0 ? 0 : Math.max(-1000, Math.floor(Math.log2(largest)));
}
