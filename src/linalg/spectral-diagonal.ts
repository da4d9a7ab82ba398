/** Diagonal of V diag(values) V^T, [d], summed in float64. @param vectors V, [d, d] float32 row-major */
export function spectralDiagonal(vectors: Float32Array, values: Float64Array): Float64Array {
  const d = values.length;
  const out = new Float64Array(d);
  for (let k = 0, at = 0; k < d; k++) {
    let sum = 0;
    for (let j = 0; j < d; j++, at++) sum += vectors[at]! ** 2 * values[j]!;
    out[k] = sum;
  }
  return out;
}
