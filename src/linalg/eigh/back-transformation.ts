import type { HouseholderKernels } from '../kernels/eigh-kernels.js';
import type { KernelMemory, Region } from '../kernels/kernel-memory.js';
import type { Matrix } from '../matrix.js';
import { REFLECTOR_BLOCK, type ReflectorBlock, type Reflectors } from './reflectors.js';
import type { SizedProduct } from './sized-product.js';

/** Rows of Z that an update takes at a time: one product over all of them leaves the cache between its columns. */
const STRIP = 512;

/** Tools of a back-transformation: the kernels work on `memory`. */
export interface BackTransformer {
  memory: KernelMemory;
  kernels: HouseholderKernels;
  /** Product that accumulates. One session only: the idle threads of another would spin beside it. */
  product: SizedProduct;
}

/**
 * Multiplies Z <- Q Z by the Q = H_0 H_1 ... of a tridiagonalisation: blocks of reflectors from the last to the
 * first, each as I - V T V^T (the compact WY form of Schreiber and Van Loan, as LAPACK's dlarft and dlarfb have it).
 * @param z [n, n] row-major, overwritten
 */
export async function backTransform(
  reflectors: Reflectors,
  z: Float64Array,
  n: number,
  { memory, kernels, product }: BackTransformer,
): Promise<void> {
  const square = REFLECTOR_BLOCK * REFLECTOR_BLOCK * 8;
  const rectangle = REFLECTOR_BLOCK * Math.ceil(n / 4) * 4 * 8;
  const regions = memory.allot({
    rows: rectangle,
    minusV: rectangle,
    minusVt: rectangle,
    projection: rectangle,
    gram: square,
    taus: REFLECTOR_BLOCK * 8,
    t: square,
  });
  for (const block of reflectors.blocks.toReversed()) {
    const { first, count } = block;
    const taus = reflectors.taus.subarray(first, first + count);
    if (taus.every((tau) => tau === 0)) continue;
    formFactor(block, taus, regions, kernels);
    await applyBlock(block, { values: z, rows: n, columns: n }, regions, product);
  }
}

/** Multiplies Z by the reflectors of one block, whose factor T and -V lie in their regions. */
async function applyBlock(
  { first, count, length, values }: ReflectorBlock,
  { values: z, columns: n }: Matrix<Float64Array>,
  regions: Record<'minusV' | 'minusVt' | 'projection' | 't', Region>,
  product: SizedProduct,
): Promise<void> {
  const v = { values, rows: count, columns: length };
  const minusV = matrix(regions.minusV, length, count);
  const minusVt = matrix(regions.minusVt, length, count);
  minusVt.values.fill(0);
  await product.accumulate(minusV, matrix(regions.t, count, count), minusVt);

  const projection = matrix(regions.projection, count, n);
  projection.values.fill(0);
  await product.accumulate(v, { values: z.subarray(first * n), rows: length, columns: n }, projection);
  for (let row = 0; row < length; row += STRIP) {
    const rows = Math.min(STRIP, length - row);
    const at = (first + row) * n;
    await product.accumulate(
      { values: minusVt.values.subarray(row * count, (row + rows) * count), rows, columns: count },
      projection,
      { values: z.subarray(at, at + rows * n), rows, columns: n },
    );
  }
}

/**
 * Forms T, and -V as columns. T is only as orthogonal as V^T V is exact, and a product's long running sums are not
 * exact enough for it where all terms are alike; the kernel's are.
 */
function formFactor(
  { count, length, values }: ReflectorBlock,
  taus: Float64Array,
  regions: Record<'rows' | 'minusV' | 'gram' | 'taus' | 't', Region>,
  kernels: HouseholderKernels,
): void {
  const { rows, minusV, gram, t } = regions;
  // Kernels take rows in fours of values.
  const padded = Math.ceil(length / 4) * 4;
  rows.float64.fill(0, 0, count * padded);
  for (let k = 0; k < count; k++) {
    rows.float64.set(values.subarray(k * length, (k + 1) * length), k * padded);
  }
  kernels.negateTransposed(rows.offset, padded * 8, count, padded, count, minusV.offset);
  kernels.gram(rows.offset, padded * 8, count, padded, gram.offset);
  regions.taus.float64.set(taus);
  t.float64.fill(0);
  kernels.triangularFactor(gram.offset, regions.taus.offset, count, t.offset);
}

/** Start of a region as a matrix. */
function matrix({ float64 }: Region, rows: number, columns: number): Matrix<Float64Array> {
  return { values: float64.subarray(0, rows * columns), rows, columns };
}
