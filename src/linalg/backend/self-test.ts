import type { Matrix } from '../matrix.js';
import { uniform } from '../uniform.js';
import type { Backend } from './backend.js';

/** Shapes [m, k, n] that no vector width or block divides, and one that is nearly a vector. */
const SHAPES = [
  [37, 61, 43],
  [2, 130, 1],
] as const;

/** Shapes [d, rows] of the products of equal rows. */
export type RowShapes = readonly (readonly [number, number])[];

/**
 * Shapes for a processor: fewer and more terms than a library sums in one go (256 to 512 of float32), fewer and more
 * rows than it packs into a block.
 */
export const ROW_SHAPES: RowShapes = [
  [96, 1024],
  [520, 64],
];

/** Shapes for a device, which runs one program whatever the shape; a device made of software takes its time. */
export const DEVICE_ROW_SHAPES: RowShapes = [[48, 1024]];

/** Rows at a time, each at most; two are the fewest that a projection multiplies. */
const ROW_COUNTS = [2, 3, 16, 17, 23, 64, 1000] as const;

/** Order of the matrix that is decomposed. */
const ORDER = 47;

/** Findings of a backend's self-test. */
export interface SelfTestResult {
  /** Each wrong result with its figures; empty when all is well. */
  problems: string[];
  /** Whether equal rows have equal float32 products, wherever they stand and however many stand around them. */
  keepsRowBits: boolean;
}

/** Checks a few results of a backend against their definition, which takes some milliseconds. */
export async function selfTest(backend: Backend, rowShapes = ROW_SHAPES): Promise<SelfTestResult> {
  const problems: string[] = [];
  const judge = (what: string, deviation: number, tolerance: number) => {
    if (deviation <= tolerance) return;
    problems.push(`${what} is ${deviation.toExponential(2)}, at most ${tolerance.toExponential(2)} expected`);
  };
  const product = await backend.product(1);
  const sums = await backend.outerProducts(1);
  try {
    for (const [m, k, n] of SHAPES) {
      const what = `the relative error of a product ${m} x ${k} x ${n}`;
      // Each of k products and sums rounds by u, in whatever order they are taken; the loops here round as well.
      const single = operands(Float32Array, m, k, n);
      await multiplyFixed(backend, single);
      judge(`${what} in float32`, relativeError(single, 0), k * 2 ** -24);
      const double = operands(Float64Array, m, k, n);
      await product.multiply(double.a, double.b, double.out);
      judge(`${what} in float64`, relativeError(double, 0), 2 * k * 2 ** -53);
      double.out.values.fill(1);
      await sums.add(double.a, transposed(double.b), double.out);
      judge(`${what}, added in float64,`, relativeError(double, 1), 2 * (k + 1) * 2 ** -53);
    }
    await testDecomposition(backend, judge);
    return { problems, keepsRowBits: await keepsRowBits(backend, rowShapes) };
  } finally {
    await Promise.all([product.release(), sums.release()]);
  }
}

interface Operands<T extends Float32Array | Float64Array = Float32Array | Float64Array> {
  a: Matrix<T>;
  b: Matrix<T>;
  out: Matrix<T>;
}

async function multiplyFixed(backend: Backend, { a, b, out }: Operands<Float32Array>): Promise<void> {
  const product = await backend.fixedProduct(b, 1);
  await product.multiply(a, out);
  await product.release();
}

function operands<T extends Float32Array | Float64Array>(
  type: new (length: number) => T,
  m: number,
  k: number,
  n: number,
): Operands<T> {
  const matrix = (rows: number, columns: number, stream: number): Matrix<T> => {
    const values = new type(rows * columns);
    fillRandomly(values, stream);
    return { values, rows, columns };
  };
  // What is in `out` must not matter to a plain product.
  const out = { values: new type(m * n).fill(Number.NaN) as T, rows: m, columns: n };
  return { a: matrix(m, k, 1), b: matrix(k, n, 2), out };
}

/** The transpose of a matrix. */
function transposed({ values, rows, columns }: Matrix<Float64Array>): Matrix<Float64Array> {
  const out = values.map((_, index) => values[(index % rows) * columns + Math.floor(index / rows)]!);
  return { values: out, rows: columns, columns: rows };
}

/** Fills an array with numbers in [-1, 1), always the same. */
function fillRandomly(values: Float32Array | Float64Array, stream: number): void {
  const random = uniform(0, stream);
  for (let index = 0; index < values.length; index++) values[index] = 2 * random() - 1;
}

/** Largest |out - (start + A B)| in units of start + |A| |B|; a NaN stays. */
function relativeError({ a, b, out }: Operands, start: number): number {
  let worst = 0;
  for (let i = 0; i < out.rows; i++) {
    for (let j = 0; j < out.columns; j++) {
      let sum = start;
      let magnitude = start;
      for (let l = 0; l < a.columns; l++) {
        const term = a.values[i * a.columns + l]! * b.values[l * b.columns + j]!;
        sum += term;
        magnitude += Math.abs(term);
      }
      worst = Math.max(worst, Math.abs(out.values[i * out.columns + j]! - sum) / magnitude);
    }
  }
  return worst;
}

/**
 * Judges A V = V diag(lambda), V^T V = I and the order of lambda, for a matrix whose upper triangle must not be read.
 */
async function testDecomposition(
  backend: Backend,
  judge: (what: string, deviation: number, tolerance: number) => void,
): Promise<void> {
  const n = ORDER;
  const entries = new Float64Array(n * n);
  fillRandomly(entries, 3);
  const entry = (i: number, j: number) => entries[Math.max(i, j) * n + Math.min(i, j)]!;
  const lower = new Float64Array(n * n).fill(Number.NaN);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) lower[i * n + j] = entry(i, j);
  const { eigenvalues, eigenvectors: v } = await backend.eigh(lower, n, { threads: 1 });
  let residual = 0;
  let norm = 0;
  let orthogonality = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let image = -v[i * n + j]! * eigenvalues[j]!;
      let gram = i === j ? -1 : 0;
      for (let k = 0; k < n; k++) {
        image += entry(i, k) * v[k * n + j]!;
        gram += v[k * n + i]! * v[k * n + j]!;
      }
      residual += image * image;
      norm += entry(i, j) ** 2;
      orthogonality = Math.max(orthogonality, Math.abs(gram));
    }
  }
  // LAPACK's own tests allow n eps times a small constant for both.
  const tolerance = 10 * n * Number.EPSILON;
  judge(`max |V^T V - I| of order ${n}`, orthogonality, tolerance);
  judge(`||A V - V D||_F / ||A||_F of order ${n}`, Math.sqrt(residual / norm), tolerance);
  const descents = eigenvalues.filter((value, j) => j > 0 && value < eigenvalues[j - 1]!).length;
  judge('the number of eigenvalues that do not ascend', descents, 0);
}

/** Whether equal rows of A give equal rows of A B, however many stand in a call. */
async function keepsRowBits(backend: Backend, rowShapes: RowShapes): Promise<boolean> {
  for (const [d, rows] of rowShapes) {
    const { a, b } = operands(Float32Array, rows, d, d);
    for (let i = 1; i < rows; i++) a.values.copyWithin(i * d, 0, d);
    const product = await backend.fixedProduct(b, 1);
    let expected: Buffer | undefined;
    for (const count of ROW_COUNTS.filter((number) => number <= rows)) {
      const out = { values: new Float32Array(count * d), rows: count, columns: d };
      await product.multiply({ values: a.values.subarray(0, count * d), rows: count, columns: d }, out);
      const bytes = Buffer.from(out.values.buffer);
      expected ??= bytes.subarray(0, d * 4);
      for (let i = 0; i < count; i++) {
        if (!bytes.subarray(i * d * 4, (i + 1) * d * 4).equals(expected)) return false;
      }
    }
    await product.release();
  }
  return true;
}
