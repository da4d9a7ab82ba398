import type { UnblockedKernels } from '../kernels/eigh-kernels.js';
import type { KernelMemory } from '../kernels/kernel-memory.js';
import type { ScaledMatrix } from './packed-triangle.js';
import type { TridiagonalForm } from './tridiagonal-form.js';

/**
 * Largest order that is reduced column by column. Up to here matrix and vectors stay in a processor's second cache: to update
 * the matrix with every column then costs less than blocks do, whose columns are brought up to date by themselves.
 */
export const UNBLOCKED_ORDER = 256;

/** Columns of Z that the kernel takes at once, and reflectors. */
const GROUP = 4;
/** Products of the vectors of a group. */
const PAIRS = 6;

/** Kernels for small matrices, and the memory that they work on. */
export interface UnblockedReducer {
  memory: KernelMemory;
  unblocked: UnblockedKernels;
}

/** Reduces a small symmetric matrix to tridiagonal form in one call of a kernel, and transforms back in another. */
export function reduceUnblocked(
  matrix: ScaledMatrix,
  { memory, unblocked }: UnblockedReducer,
): TridiagonalForm {
  const { n } = matrix;
  const order = Math.ceil(n / GROUP) * GROUP;
  const vector = order * 8;
  const regions = memory.allot({
    a: order * vector,
    diagonal: vector,
    offDiagonal: vector,
    taus: vector,
    vectors: order * vector,
    work: 2 * vector,
  });
  loadUpperTriangle(matrix, regions.a.float64, order);
  unblocked.reduce(
    regions.a.offset,
    n,
    regions.diagonal.offset,
    regions.offDiagonal.offset,
    regions.taus.offset,
    regions.vectors.offset,
    regions.work.offset,
  );
  // The division needs the memory.
  const taus = regions.taus.float64.slice();
  const vectors = regions.vectors.float64.slice();
  return {
    diagonal: regions.diagonal.float64.slice(0, n),
    offDiagonal: regions.offDiagonal.float64.slice(0, n),
    transformBack: async (z) => {
      const back = memory.allot({
        vectors: order * vector,
        taus: vector,
        z: n * n * 8,
        strip: (order + GROUP) * GROUP * 8,
        products: (order / GROUP) * PAIRS * 8,
      });
      back.vectors.float64.set(vectors);
      back.taus.float64.set(taus);
      back.z.float64.set(z);
      unblocked.applyReflectors(
        back.vectors.offset,
        back.taus.offset,
        n,
        back.z.offset,
        back.strip.offset,
        back.products.offset,
      );
      z.set(back.z.float64);
    },
  };
}

/**
 * Copies a matrix, times its scale, as its upper triangle, the 2 x 2 blocks on the diagonal in full.
 * @param out [order, order]
 */
function loadUpperTriangle({ values, n, scale }: ScaledMatrix, out: Float64Array, order: number): void {
  out.fill(0);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) out[j * order + i] = values[i * n + j]! * scale;
  }
  for (let i = 0; i < order; i += 2) out[(i + 1) * order + i] = out[i * order + i + 1]!;
}
