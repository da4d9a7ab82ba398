/** Distribution of numbers in four figures; the deviation is that of the numbers themselves, divisor n. */
export interface Moments {
  minimum: number;
  maximum: number;
  mean: number;
  standardDeviation: number;
}

/** Sums that can be added up, part by part, until the moments are asked for. */
export interface MomentSums {
  minimum: number;
  maximum: number;
  sum: number;
  sumOfSquares: number;
}

/** Sums of two parts taken together. */
export function mergeMomentSums(a: MomentSums, b: MomentSums): MomentSums {
  return {
    minimum: Math.min(a.minimum, b.minimum),
    maximum: Math.max(a.maximum, b.maximum),
    sum: a.sum + b.sum,
    sumOfSquares: a.sumOfSquares + b.sumOfSquares,
  };
}

/** Moments of `count` numbers of which only sums were kept. */
export function momentsOfSums({ minimum, maximum, sum, sumOfSquares }: MomentSums, count: number): Moments {
  const mean = sum / count;
  // Rounding can leave a variance of zero slightly below it.
  const variance = Math.max(0, sumOfSquares / count - mean * mean);
  return { minimum, maximum, mean, standardDeviation: Math.sqrt(variance) };
}

/** Moments of numbers that are all there, in two passes. */
export function momentsOf(values: Float64Array): Moments {
  const centre = meanOf(values);
  return {
    minimum: values.reduce((a, b) => Math.min(a, b)),
    maximum: values.reduce((a, b) => Math.max(a, b)),
    mean: centre,
    standardDeviation: Math.sqrt(meanOf(values.map((value) => (value - centre) ** 2))),
  };
}

/** Mean of numbers, NaN where there are none. */
export function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
