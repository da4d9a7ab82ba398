import { RunError } from '../../errors.js';
import type { SecularKernels } from '../kernels/eigh-kernels.js';
import type { KernelMemory } from '../kernels/kernel-memory.js';
import type { Deflation } from './deflation.js';

/** Iterations at most, as assembly/secular.ts has them. Four or five are usual. */
const MAXIMUM_ITERATIONS = 100;

/** Eigenvalues of diag(d) + rho z z^T and its eigenvectors. */
export interface SecularSolution {
  /** Eigenvalues, [count], ascending. */
  roots: Float64Array;
  /** Eigenvectors, [count, count] row-major, as columns; the rows in the order of `deflation.columns`. */
  vectors: Float64Array;
  /** Memory beside the solution, of as many bytes as were asked for. */
  extra: Float64Array;
}

/** Kernels of the secular equation, and the memory that they work on. */
export interface SecularSolver {
  memory: KernelMemory;
  kernels: SecularKernels;
}

/**
 * Solves the secular equation of a merge in `memory`, which holds the result until it is used again.
 * @throws RunError when a root does not converge
 */
export function solveSecular(
  deflation: Deflation,
  rho: number,
  { memory, kernels }: SecularSolver,
  extraBytes: number,
): SecularSolution {
  const count = deflation.d.length;
  const regions = allotRegions(deflation, memory, extraBytes);
  const d = regions.d.offset;
  const poles = regions.poles.offset;
  const offsets = regions.offsets.offset;
  const weights = regions.weights.offset;
  const inverseNorms = regions.inverseNorms.offset;

  const failed = kernels.findRoots(d, regions.squares.offset, count, rho, poles, offsets);
  if (failed >= 0) {
    throw new RunError(
      `the secular equation of a merge of order ${count} did not converge after ${MAXIMUM_ITERATIONS} iterations ` +
        `(root ${failed})`,
    );
  }
  kernels.fitWeights(d, regions.z.offset, poles, offsets, count, weights);
  kernels.invertNorms(d, weights, poles, offsets, count, inverseNorms);
  const { vectors, extra, order } = regions;
  kernels.formVectors(d, weights, poles, offsets, inverseNorms, order.offset, count, vectors.offset);
  const roots = Float64Array.from(
    { length: count },
    (_, j) => regions.poles.float64[j]! + regions.offsets.float64[j]!,
  );
  return { roots, vectors: vectors.float64, extra: extra.float64 };
}

function allotRegions({ d, z, order }: Deflation, memory: KernelMemory, extraBytes: number) {
  const count = d.length;
  // Kernels take vectors in pairs.
  const bytes = (count + 1) * 8;
  const regions = memory.allot({
    d: bytes,
    z: bytes,
    squares: bytes,
    poles: bytes,
    offsets: bytes,
    weights: bytes,
    inverseNorms: bytes,
    order: bytes,
    vectors: count * count * 8,
    extra: extraBytes,
  });
  regions.d.float64.set(d);
  regions.z.float64.set(z);
  regions.squares.float64.set(z.map((value) => value * value));
  regions.order.int32.set(order);
  return regions;
}
