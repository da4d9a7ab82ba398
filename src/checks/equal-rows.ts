/** How rows repeat each other. Equal rows have equal rounding errors, which no average makes smaller. */
export interface EqualRows {
  /** Ordered pairs of two equal rows. */
  pairs: number;
  /** Rows of the largest group of equal rows; 1 where all differ. */
  largest: number;
}

/** Counts equal rows. @param keys a number of each row, equal for equal rows */
export function countEqualRows(keys: Float64Array): EqualRows {
  const sorted = keys.toSorted();
  let pairs = 0;
  let largest = 1;
  let count = 1;
  for (let i = 1; i <= sorted.length; i++) {
    if (sorted[i] === sorted[i - 1]) {
      count++;
      continue;
    }
    pairs += count * (count - 1);
    largest = Math.max(largest, count);
    count = 1;
  }
  return { pairs, largest };
}
