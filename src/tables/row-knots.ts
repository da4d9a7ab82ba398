/**
 * Ties rows to knots of near-duplicates: those that share the sign and the exponent of every coordinate.
 *
 * @param patterns hash of signs and exponents of every row, two numbers each
 * @returns int32 [V]: the lowest row of the knot, -1 for a row that is in none
 */
export function rowKnots(patterns: BigUint64Array): Int32Array {
  const rows = patterns.length / 2;
  const knots = new Int32Array(rows).fill(-1);
  const firstRows = new Map<string, number>();
  for (let row = 0; row < rows; row++) {
    const key = `${patterns[2 * row]} ${patterns[2 * row + 1]}`;
    const first = firstRows.get(key);
    if (first === undefined) firstRows.set(key, row);
    else {
      knots[first] = first;
      knots[row] = first;
    }
  }
  return knots;
}

/** Rows of the largest knot, ascending; of those of a size the one with the lowest row. Empty where there is none. */
export function largestKnot(knots: ArrayLike<number>): number[] {
  const sizes = new Map<number, number>();
  for (let row = 0; row < knots.length; row++) {
    const knot = knots[row]!;
    if (knot >= 0) sizes.set(knot, (sizes.get(knot) ?? 0) + 1);
  }
  const [largest] = [...sizes].sort(([a, sizeA], [b, sizeB]) => sizeB - sizeA || a - b);
  if (largest === undefined) return [];
  return Array.from({ length: knots.length }, (_, row) => row).filter((row) => knots[row] === largest[0]);
}
