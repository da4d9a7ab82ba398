/** Product of a matrix [d, d] row-major and a column [d], summed in float64. */
export function matrixTimesColumn(matrix: Float32Array, column: Float64Array): Float64Array {
  const d = column.length;
  const out = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    let sum = 0;
    for (let j = 0; j < d; j++) sum += matrix[i * d + j]! * column[j]!;
    out[i] = sum;
  }
  return out;
}
