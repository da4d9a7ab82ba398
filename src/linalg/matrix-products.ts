import { availableParallelism } from 'node:os';
import type { Backend } from './backend/backend.js';
import type { Matrix } from './matrix.js';

/** Product A B in float64, with all cores. Shapes [m, k] x [k, n] -> [m, n]. */
export async function multiplied(
  a: Matrix<Float64Array>,
  b: Matrix<Float64Array>,
  backend: Backend,
): Promise<Matrix<Float64Array>> {
  const out = { values: new Float64Array(a.rows * b.columns), rows: a.rows, columns: b.columns };
  const product = await backend.product(availableParallelism());
  try {
    await product.multiply(a, b, out);
  } finally {
    await product.release();
  }
  return out;
}

/** Transpose of a matrix of any shape. */
export function transposeOf({ values, rows, columns }: Matrix<Float64Array>): Matrix<Float64Array> {
  const out = new Float64Array(values.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) out[j * rows + i] = values[i * columns + j]!;
  return { values: out, rows: columns, columns: rows };
}

/** Rows of a matrix [first, first + count), columns [left, left + width). */
export function blockOf(
  { values, columns }: Matrix<Float64Array>,
  { first, count, left, width }: { first: number; count: number; left: number; width: number },
): Matrix<Float64Array> {
  const out = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    const from = (first + i) * columns + left;
    out.set(values.subarray(from, from + width), i * width);
  }
  return { values: out, rows: count, columns: width };
}

/** Sum of the squares of all entries. */
export function squaredNorm({ values }: Matrix<Float64Array>): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}

/** Sum of the diagonal of a square matrix. */
export function traceOf({ values, rows }: Matrix<Float64Array>): number {
  let sum = 0;
  for (let j = 0; j < rows; j++) sum += values[j * rows + j]!;
  return sum;
}

/** v_j^T S v_j of every column v_j of V [d, d], given S V. */
export function quadraticForms(v: Matrix<Float64Array>, image: Matrix<Float64Array>): Float64Array {
  const forms = new Float64Array(v.columns);
  for (let k = 0; k < v.values.length; k++) forms[k % v.columns]! += v.values[k]! * image.values[k]!;
  return forms;
}
