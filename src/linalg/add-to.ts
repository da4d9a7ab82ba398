/** Adds values to sums of as many, one by one. Of float64 alone: one function for several types would be slow for each in V8. */
export function addTo(sums: Float64Array, values: Float64Array): void {
  for (let k = 0; k < sums.length; k++) sums[k]! += values[k]!;
}
