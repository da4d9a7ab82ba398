/** Lists 0, ..., count - 1, over which the sums of a definition run. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Adds up terms in their order. */
export function sum(terms: ArrayLike<number>): number {
  let total = 0;
  for (let k = 0; k < terms.length; k++) total += terms[k]!;
  return total;
}
