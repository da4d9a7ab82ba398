/** Product of a row [d] and a matrix [d, d] row-major, summed in float64. */
export function rowTimesMatrix(row: Float64Array, matrix: Float32Array): Float64Array {
  const d = row.length;
  const out = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) out[j]! += row[i]! * matrix[i * d + j]!;
  }
  return out;
}
