import type { KernelMemory } from '../kernel-memory.js';
import type { Matrix, Product } from '../product.js';
import type { HouseholderKernels } from './kernels.js';
import type { ReflectorBlock, Reflectors } from './reflectors.js';

/** Rows of Z that an update takes at a time: one product over all of them leaves the cache between its columns. */
const STRIP = 512;

/**
 * Z <- Q Z for the Q = H_0 H_1 ... of a tridiagonalisation: blocks of reflectors from the last to the first, each as
 * I - V T V^T (the compact WY form of Schreiber and Van Loan, as LAPACK's dlarft and dlarfb have it).
 * @param z [n, n] row-major, overwritten
 */
export async function backTransform(
  reflectors: Reflectors,
  z: Float64Array,
  n: number,
  { memory, kernels, multiply, accumulate }: BackTransformer,
): Promise<void> {
  for (const block of reflectors.blocks.toReversed()) {
    const { first, count, length } = block;
    const taus = reflectors.taus.subarray(first, first + count);
    if (taus.every((tau) => tau === 0)) continue;
    const vt = { values: block.values, rows: count, columns: length };
    const v = { values: transpose(block), rows: length, columns: count };
    const t = { values: negatedFactor(gram(block, memory, kernels), taus), rows: count, columns: count };
    const minusVt = matrix(length, count);
    await multiply.multiply(v, t, minusVt);

    const rows = { values: z.subarray(first * n), rows: length, columns: n };
    const projection = matrix(count, n);
    await multiply.multiply(vt, rows, projection);
    for (let row = 0; row < length; row += STRIP) {
      const end = Math.min(row + STRIP, length);
      await accumulate.accumulate(strip(minusVt, row, end), projection, strip(rows, row, end));
    }
  }
}

/** What a back-transformation works with: the kernels work on `memory`. */
export interface BackTransformer {
  memory: KernelMemory;
  kernels: HouseholderKernels;
  multiply: Product<Float64Array>;
  accumulate: Product<Float64Array>;
}

/**
 * V^T V above the diagonal, as rows of its transpose, [count, count]. T is only as orthogonal as this is exact, and
 * onnxruntime's long running sums are not exact enough where all terms are alike.
 */
function gram(
  { count, length, values }: ReflectorBlock,
  memory: KernelMemory,
  kernels: HouseholderKernels,
): Float64Array {
  const padded = Math.ceil(length / 4) * 4;
  const regions = memory.allot({ rows: count * padded * 8, out: count * count * 8 });
  const rows = regions.rows.float64.fill(0);
  for (let k = 0; k < count; k++) rows.set(values.subarray(k * length, (k + 1) * length), k * padded);
  kernels.gram(regions.rows.offset, padded * 8, count, padded, regions.out.offset);
  return regions.out.float64;
}

/** Rows first <= i < end. */
function strip({ values, columns }: Matrix<Float64Array>, first: number, end: number) {
  return { values: values.subarray(first * columns, end * columns), rows: end - first, columns };
}

function matrix(rows: number, columns: number) {
  return { values: new Float64Array(rows * columns), rows, columns };
}

/** [length, count] from [count, length]. */
function transpose({ count, length, values }: ReflectorBlock): Float64Array {
  const out = new Float64Array(values.length);
  for (let i = 0; i < length; i++) {
    for (let k = 0; k < count; k++) out[i * count + k] = values[k * length + i]!;
  }
  return out;
}

/** -T, [k, k] upper triangular, from V^T V as `gram` gives it and the k scalars tau. */
function negatedFactor(gram: Float64Array, taus: Float64Array): Float64Array {
  const k = taus.length;
  const t = new Float64Array(k * k);
  for (let j = 0; j < k; j++) {
    const tau = taus[j]!;
    t[j * k + j] = -tau;
    // With -T in hand the recurrence T_ij = -tau_j sum_l T_il G_lj keeps its sign.
    for (let i = 0; i < j; i++) {
      let sum = 0;
      for (let l = i; l < j; l++) sum += t[i * k + l]! * gram[j * k + l]!;
      t[i * k + j] = -tau * sum;
    }
  }
  return t;
}
