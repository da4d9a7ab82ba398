/**
 * Finds, for every row, the first of those that are equal to it to the last bit.
 *
 * @param hashes two hashes of every row, [V] each, with random keys: rows that differ share both by no more than chance
 * @returns int32 [V]: the lowest number of a row with the same hashes, which is its own where there is none before it
 */
export function firstOfEqual([one, other]: readonly [BigUint64Array, BigUint64Array]): Int32Array {
  const first = new Map<string, number>();
  return Int32Array.from({ length: one.length }, (_, row) => {
    const key = `${one[row]} ${other[row]}`;
    const known = first.get(key);
    if (known !== undefined) return known;
    first.set(key, row);
    return row;
  });
}
