import type { KernelMemory } from '../kernel-memory.js';
import type { Product } from '../product.js';
import { type Deflation, deflate } from './deflation.js';
import { implicitQl } from './implicit-ql.js';
import type { SecularKernels } from './kernels.js';
import { type Place, secularVectorSizes, solveSecular } from './secular.js';

/** Up to this order the QL method is faster than another division. */
const LEAF = 32;

/** Rows of Z that a merge takes through its product at a time. */
const STRIP = 256;

/** What a merge works with: the kernels work on `memory`. */
export interface Workshop {
  memory: KernelMemory;
  kernels: SecularKernels;
  /** With whom the secular equations are shared, if with anyone. */
  place: Place | null;
  /** For a product whose rows and columns are at least as many as given. */
  product(columns: number): Product<Float64Array>;
}

/**
 * Eigenvalues and eigenvectors of a symmetric tridiagonal matrix by Cuppen's divide and conquer, as LAPACK's dstedc:
 * T is torn into two halves and a rank-one matrix, the halves are solved alike, and the rank-one problem that
 * merges them is a secular equation.
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
      for (let i = 0; i < size; i++) z.set(vectors.subarray(i * size, (i + 1) * size), (first + i) * n + first);
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
    // The torn off matrix is rho w w^T with w = (last unit vector; +-first unit vector) / sqrt 2.
    const weights = new Float64Array(size);
    for (let j = 0; j < half; j++) weights[j] = z[corner + (half - 1) * n + j]! * Math.SQRT1_2;
    const sign = coupling < 0 ? -Math.SQRT1_2 : Math.SQRT1_2;
    for (let j = half; j < size; j++) weights[j] = z[corner + half * n + j]! * sign;
    const d = diagonal.subarray(first, end);
    const rho = 2 * Math.abs(coupling);
    const deflation = deflate(d, weights, rho, half);
    const { roots, vectors, strip } = solveMerge(deflation, rho, size, workshop);
    const { eigenvalues, rootPlaces, deflatedPlaces } = mergeValues(roots, deflation.deflatedValues);
    d.set(eigenvalues);

    const count = deflation.d.length;
    const update = {
      deflation,
      vectors,
      strip,
      rootPlaces,
      deflatedPlaces,
      product: workshop.product(count),
    };
    for (let row = 0; row < half; row += STRIP) {
      await updateRows(z, n, corner + row * n, Math.min(STRIP, half - row), 'upper', update);
    }
    for (let row = half; row < size; row += STRIP) {
      await updateRows(z, n, corner + row * n, Math.min(STRIP, size - row), 'lower', update);
    }
  }
}

/** The roots of the secular equation, [count], and its eigenvectors as columns [count, count], rows by `order`. */
function solveMerge(deflation: Deflation, rho: number, size: number, workshop: Workshop) {
  const { memory, kernels, place } = workshop;
  const count = deflation.d.length;
  const lower = count - deflation.upperOnly;
  const regions = memory.allot({
    ...secularVectorSizes(count),
    order: count * 4,
    vectors: count * count * 8,
    strip: Math.min(STRIP, size) * (Math.max(deflation.upper, lower) + size) * 8,
  });
  const { d, weights, poles, offsets, inverseNorms, order, vectors, strip } = regions;
  d.float64.set(deflation.d);
  regions.z.float64.set(deflation.z);
  new Int32Array(memory.memory.buffer, order.offset, count).set(deflation.order);
  solveSecular(regions, count, rho, kernels, place);
  kernels.formVectors(
    d.offset,
    weights.offset,
    poles.offset,
    offsets.offset,
    inverseNorms.offset,
    order.offset,
    count,
    vectors.offset,
  );
  const roots = Float64Array.from({ length: count }, (_, j) => poles.float64[j]! + offsets.float64[j]!);
  return { roots, vectors: vectors.float64, strip: strip.float64 };
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

interface Update {
  deflation: Deflation;
  vectors: Float64Array;
  strip: Float64Array;
  rootPlaces: Int32Array;
  deflatedPlaces: Int32Array;
  product: Product<Float64Array>;
}

/** Takes `rows` rows of Z, from index `at` on and all in one half, from the halves' eigenvectors to the merge's. */
async function updateRows(
  z: Float64Array,
  stride: number,
  at: number,
  rows: number,
  part: 'upper' | 'lower',
  { deflation, vectors, strip, rootPlaces, deflatedPlaces, product }: Update,
): Promise<void> {
  const { rotations, columns, upper, upperOnly, deflatedColumns } = deflation;
  const count = columns.length;
  const firstColumn = part === 'upper' ? 0 : upperOnly;
  const used = part === 'upper' ? columns.subarray(0, upper) : columns.subarray(upperOnly);
  const inner = used.length;
  const left = strip.subarray(0, rows * inner);
  const out = strip.subarray(rows * inner, rows * (inner + count));
  const solved = strip.subarray(rows * (inner + count), rows * (inner + count + deflatedColumns.length));

  for (let i = 0; i < rows; i++) {
    const row = z.subarray(at + i * stride, at + (i + 1) * stride);
    for (const { low, high, c, s } of rotations) {
      const zLow = row[low]!;
      const zHigh = row[high]!;
      row[low] = c * zLow + s * zHigh;
      row[high] = c * zHigh - s * zLow;
    }
    for (let j = 0; j < inner; j++) left[i * inner + j] = row[used[j]!]!;
    for (let j = 0; j < deflatedColumns.length; j++) {
      solved[i * deflatedColumns.length + j] = row[deflatedColumns[j]!]!;
    }
  }
  if (inner > 0) {
    await product.multiply(
      { values: left, rows, columns: inner },
      {
        values: vectors.subarray(firstColumn * count, (firstColumn + inner) * count),
        rows: inner,
        columns: count,
      },
      { values: out, rows, columns: count },
    );
  } else {
    out.fill(0);
  }
  for (let i = 0; i < rows; i++) {
    const row = z.subarray(at + i * stride, at + (i + 1) * stride);
    for (let j = 0; j < count; j++) row[rootPlaces[j]!] = out[i * count + j]!;
    for (let j = 0; j < deflatedColumns.length; j++) {
      row[deflatedPlaces[j]!] = solved[i * deflatedColumns.length + j]!;
    }
  }
}
