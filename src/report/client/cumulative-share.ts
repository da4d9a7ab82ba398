/** Running sums of values over their total, the values taken in the given order; the same length. */
export function cumulativeShare(values: ArrayLike<number>, order: ArrayLike<number>): Float64Array {
  let total = 0;
  for (let k = 0; k < values.length; k++) total += values[k]!;
  let sum = 0;
  return Float64Array.from(order, (k) => {
    sum += values[k]!;
    return sum / total;
  });
}
