/** Edge of the square tiles in which matrices are transposed: two of them stay in the first-level cache. */
const TILE = 32;

/**
 * Transposes a square matrix into float64.
 * @param values [n, n] row-major
 * @param stride values from one row of the result to the next; those beyond n are zeros
 */
export function transposed(values: Float32Array | Float64Array, n: number, stride = n): Float64Array {
  const out = new Float64Array(n * stride);
  for (let top = 0; top < n; top += TILE) {
    const bottom = Math.min(top + TILE, n);
    for (let left = 0; left < n; left += TILE) {
      const right = Math.min(left + TILE, n);
      // Along the rows of the result: stores that leave the cache cost more than loads that come from afar.
      for (let j = left; j < right; j++)
        for (let i = top; i < bottom; i++) out[j * stride + i] = values[i * n + j]!;
    }
  }
  return out;
}

/** Transposes a square matrix in place. @param values [n, n] row-major */
export function transposeInPlace(values: Float64Array, n: number): void {
  for (let top = 0; top < n; top += TILE) {
    for (let left = 0; left <= top; left += TILE) {
      for (let i = top; i < Math.min(top + TILE, n); i++) {
        for (let j = left; j < Math.min(left + TILE, i); j++) {
          const below = values[i * n + j]!;
          values[i * n + j] = values[j * n + i]!;
          values[j * n + i] = below;
        }
      }
    }
  }
}
