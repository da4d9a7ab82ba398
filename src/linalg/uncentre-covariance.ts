/**
 * Makes the second moment about zero of a covariance, in place: E = C + mu mu^T. Nothing cancels, as it would the other way
 * round.
 *
 * @param covariance C, float64 [d, d], symmetric; remains so to the last bit
 * @param mean mu, [d]
 */
export function uncentreCovariance(covariance: Float64Array, mean: Float64Array): void {
  const d = mean.length;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) covariance[i * d + j]! += mean[i]! * mean[j]!;
  }
}
