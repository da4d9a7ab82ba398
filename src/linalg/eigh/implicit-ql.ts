import { RunError } from '../../errors.js';
import type { QlKernels } from '../kernels/eigh-kernels.js';
import type { KernelMemory } from '../kernels/kernel-memory.js';

/** Sweeps for an eigenvalue, at most, as assembly/implicit-ql.ts has them; about two are needed. */
const MAXIMUM_SWEEPS = 50;

/** Values in a row of the vectors under iteration: a multiple of this. */
const STRIP = 8;

/** Kernel of the QL method, and the memory that it works on. */
export interface QlSolver {
  memory: KernelMemory;
  ql: QlKernels;
}

/**
 * Computes eigenvalues and eigenvectors of a small symmetric tridiagonal matrix, part of one of norm about 1, by the
 * implicit QL method (EISPACK's tql2).
 * @param diagonal [n], becomes the eigenvalues, ascending
 * @param offDiagonal [n - 1] or longer, not modified
 * @returns [n, n] row-major, the eigenvectors as columns, in kernel memory until it is used again
 * @throws RunError when the iteration does not converge
 */
export function implicitQl(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  { memory, ql }: QlSolver,
): Float64Array {
  const n = diagonal.length;
  const { d, e, rows, rotations, vectors } = memory.allot({
    d: n * 8,
    e: n * 8,
    rows: n * Math.ceil(n / STRIP) * STRIP * 8,
    rotations: 2 * n * 8,
    vectors: n * n * 8,
  });
  d.float64.set(diagonal);
  e.float64.set(offDiagonal.subarray(0, n - 1));
  const failed = ql.implicitQl(d.offset, e.offset, n, rows.offset, rotations.offset, vectors.offset);
  if (failed >= 0) {
    throw new RunError(
      `the QL iteration for eigenvalue ${failed} did not converge after ${MAXIMUM_SWEEPS} sweeps`,
    );
  }
  diagonal.set(d.float64);
  return vectors.float64;
}
