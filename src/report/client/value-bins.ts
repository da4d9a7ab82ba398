/** Least, mean and greatest value of equal bins of a long series. */
export interface ValueBins {
  /** Index of the first value of each bin. */
  starts: Float64Array;
  minimum: Float64Array;
  mean: Float64Array;
  maximum: Float64Array;
}

/** Puts a series in at most `most` bins of equal length; NaN is left out, and a bin of nothing else is NaN. */
export function valueBins(values: ArrayLike<number>, most: number): ValueBins {
  const length = Math.max(1, Math.ceil(values.length / most));
  const count = Math.ceil(values.length / length);
  const bins: ValueBins = {
    starts: Float64Array.from({ length: count }, (_, bin) => bin * length),
    minimum: new Float64Array(count).fill(Number.NaN),
    mean: new Float64Array(count),
    maximum: new Float64Array(count).fill(Number.NaN),
  };
  for (let bin = 0; bin < count; bin++) fillBin(bins, bin, values, length);
  return bins;
}

function fillBin(
  { minimum, mean, maximum }: ValueBins,
  bin: number,
  values: ArrayLike<number>,
  length: number,
): void {
  let [least, greatest, sum, defined] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
  for (let k = bin * length; k < Math.min(values.length, (bin + 1) * length); k++) {
    const value = values[k]!;
    if (Number.isNaN(value)) continue;
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
    sum += value;
    defined++;
  }
  mean[bin] = sum / defined;
  if (defined > 0) [minimum[bin], maximum[bin]] = [least, greatest];
}
