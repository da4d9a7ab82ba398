/**
 * A final norm as a linear map of the rows before it: gamma' = gamma D, and of a LayerNorm, which takes the mean of its
 * coordinates off a hidden state, gamma D (I - 1 1^T / d).
 */
export interface Fold {
  /** Diagonal of D, [d]. */
  factors: Float64Array;
  /** Whether the mean of its coordinates is taken off a row after that. */
  isCentred: boolean;
  /** The norm's own bias b, [d], by which a token's logit is higher by gamma . b; null where it has none. */
  bias: Float64Array | null;
}

/** Folds a norm into rows [n, d], in place: computed in float64, rounded to float32 once. */
export function foldRows(rows: Float32Array, { factors, isCentred }: Fold): void {
  const d = factors.length;
  for (let first = 0; first < rows.length; first += d) {
    let mean = 0;
    if (isCentred) {
      for (let j = 0; j < d; j++) mean += rows[first + j]! * factors[j]!;
      mean /= d;
    }
    for (let j = 0; j < d; j++) rows[first + j] = rows[first + j]! * factors[j]! - mean;
  }
}

/** Folds a norm into one row, as the mean of rows is one. @returns gamma', [d] float64 */
export function foldedRow(row: Float64Array, { factors, isCentred }: Fold): Float64Array {
  const scaled = row.map((value, j) => value * factors[j]!);
  if (!isCentred) return scaled;
  const mean = scaled.reduce((sum, value) => sum + value, 0) / scaled.length;
  return scaled.map((value) => value - mean);
}

/**
 * Takes vectors [n, d] that rows with the norm folded in are multiplied with through the norm, in place: D (I - 1 1^T / d) u,
 * with which the rows as they are stored have the same products.
 */
export function passVectors(vectors: Float64Array, { factors, isCentred }: Omit<Fold, 'bias'>): void {
  const d = factors.length;
  for (let first = 0; first < vectors.length; first += d) {
    let mean = 0;
    if (isCentred) {
      for (let j = 0; j < d; j++) mean += vectors[first + j]!;
      mean /= d;
    }
    for (let j = 0; j < d; j++) vectors[first + j] = (vectors[first + j]! - mean) * factors[j]!;
  }
}

/**
 * Folds a norm into a covariance of rows, in place: C' = D C D, and of a LayerNorm that with both means taken off. C is made
 * of the rows as they are stored, so nothing has been rounded before.
 *
 * @param covariance float64 [d, d], symmetric; remains so to the last bit
 */
export function foldCovariance(covariance: Float64Array, { factors, isCentred }: Fold): void {
  const d = factors.length;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      const value = covariance[i * d + j]! * (factors[i]! * factors[j]!);
      covariance[i * d + j] = value;
      covariance[j * d + i] = value;
    }
  }
  if (!isCentred) return;
  const means = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) means[i]! += covariance[i * d + j]! / d;
  }
  const mean = means.reduce((sum, value) => sum + value, 0) / d;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) covariance[i * d + j]! += mean - (means[i]! + means[j]!);
  }
}
