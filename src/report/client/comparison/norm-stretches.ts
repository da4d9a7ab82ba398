/** Equal stretches of x with the least, mean and greatest y of the points in each; empty ones are left out. */
export interface Stretches {
  /** Middle of each stretch. */
  x: number[];
  minimum: number[];
  mean: number[];
  maximum: number[];
  /** Number of the point with the greatest y. */
  top: number[];
}

/** Puts points into `count` stretches of x, from the least to the greatest. Points with NaN are left out. */
export function stretchesOf(x: ArrayLike<number>, y: ArrayLike<number>, count: number): Stretches {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const isPoint = (i: number) => !Number.isNaN(x[i]!) && !Number.isNaN(y[i]!);
  for (let i = 0; i < x.length; i++)
    if (isPoint(i)) [least, most] = [Math.min(least, x[i]!), Math.max(most, x[i]!)];
  const width = (most - least) / count;
  const sums = new Float64Array(count);
  const counts = new Int32Array(count);
  const lowest = new Int32Array(count).fill(-1);
  const highest = new Int32Array(count).fill(-1);
  for (let i = 0; i < x.length; i++) {
    if (!isPoint(i)) continue;
    const at = width > 0 ? Math.min(count - 1, Math.floor((x[i]! - least) / width)) : 0;
    sums[at]! += y[i]!;
    counts[at]!++;
    if (lowest[at]! < 0 || y[i]! < y[lowest[at]!]!) lowest[at] = i;
    if (highest[at]! < 0 || y[i]! > y[highest[at]!]!) highest[at] = i;
  }
  const filled = Array.from(counts.keys()).filter((at) => counts[at]! > 0);
  return {
    x: filled.map((at) => least + (at + 0.5) * width),
    minimum: filled.map((at) => y[lowest[at]!]!),
    mean: filled.map((at) => sums[at]! / counts[at]!),
    maximum: filled.map((at) => y[highest[at]!]!),
    top: filled.map((at) => highest[at]!),
  };
}
