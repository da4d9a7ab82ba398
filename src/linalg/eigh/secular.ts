import { RunError } from '../../errors.js';
import { splitRows } from '../../plan/row-ranges.js';
import type { SecularKernels } from '../kernels/eigh-kernels.js';
import type { KernelMemory } from '../kernels/kernel-memory.js';
import type { Deflation } from './deflation.js';

/** Iterations at most, as assembly/secular.ts has them. Four or five are usual. */
const MAXIMUM_ITERATIONS = 100;

/**
 * Bytes of a panel of eigenvectors, at most. Kernel memory ends at 4 GiB, which all eigenvectors of an order of 22,976 would
 * fill: panels are formed there one after another, and kept outside of it.
 */
const PANEL_BYTES = 2 ** 30;

/** Some of the eigenvectors of a merge: the columns from `first` on. */
export interface VectorPanel {
  first: number;
  columns: number;
  /** [count, columns] row-major; the rows in the order of `deflation.columns`. */
  values: Float64Array;
}

/** Eigenvalues of diag(d) + rho z z^T and its eigenvectors. */
export interface SecularSolution {
  /** Eigenvalues, [count], ascending. */
  roots: Float64Array;
  /** All eigenvectors, by ascending eigenvalue. */
  panels: VectorPanel[];
  /** Memory beside the solution, of as many bytes as were asked for. */
  extra: Float64Array;
}

/** Kernels of the secular equation, and the memory that they work on. */
export interface SecularSolver {
  memory: KernelMemory;
  secular: SecularKernels;
  /** Columns of a panel of eigenvectors, at most, an even number; by default as many as a gibibyte holds. */
  panelColumns?: number;
}

/**
 * Solves the secular equation of a merge in `memory`, which holds the result until it is used again.
 * @throws RunError when a root does not converge
 */
export function solveSecular(
  deflation: Deflation,
  rho: number,
  { memory, secular, panelColumns }: SecularSolver,
  extraBytes: number,
): SecularSolution {
  const count = deflation.d.length;
  const columns = Math.min(count, panelColumns ?? 2 * Math.floor(PANEL_BYTES / (2 * 8 * count)));
  const regions = allotRegions(deflation, memory, { columns, extraBytes });
  const d = regions.d.offset;
  const poles = regions.poles.offset;
  const offsets = regions.offsets.offset;
  const weights = regions.weights.offset;
  const inverseNorms = regions.inverseNorms.offset;

  const failed = secular.findRoots(d, regions.squares.offset, count, rho, poles, offsets);
  if (failed >= 0) {
    throw new RunError(
      `the secular equation of a merge of order ${count} did not converge after ${MAXIMUM_ITERATIONS} iterations ` +
        `(root ${failed})`,
    );
  }
  secular.fitWeights(d, regions.z.offset, poles, offsets, count, weights);
  secular.invertNorms(d, weights, poles, offsets, count, inverseNorms);
  const { vectors, extra, order } = regions;
  // Where all is deflated, there are none.
  const ranges = count === 0 ? [] : splitRows(count, columns);
  const panels = ranges.map(({ first, count: width }) => {
    const from = first * 8;
    secular.formVectors(
      d,
      weights,
      poles + from,
      offsets + from,
      inverseNorms + from,
      order.offset,
      count,
      width,
      vectors.offset,
    );
    const values = vectors.float64.subarray(0, count * width);
    return { first, columns: width, values: width === count ? values : values.slice() };
  });
  const offsetsFromPoles = regions.offsets.float64;
  const roots = regions.poles.float64.subarray(0, count).map((pole, j) => pole + offsetsFromPoles[j]!);
  return { roots, panels, extra: extra.float64 };
}

function allotRegions(
  { d, z, order }: Deflation,
  memory: KernelMemory,
  { columns, extraBytes }: { columns: number; extraBytes: number },
) {
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
    vectors: count * columns * 8,
    extra: extraBytes,
  });
  regions.d.float64.set(d);
  regions.z.float64.set(z);
  regions.squares.float64.set(z.map((value) => value * value));
  regions.order.int32.set(order);
  return regions;
}
