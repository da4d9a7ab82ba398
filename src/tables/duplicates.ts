/**
 * Groups the rows that are bit-identical.
 *
 * @param hashes a hash of every row, [V]: equal rows have equal hashes, and nearly always the other way round
 * @param read the stored bytes of a row; called for rows whose hash another row has as well
 * @returns int32 [V]: the lowest row of the row's group, -1 where no other row is the same
 */
export function duplicateGroups(hashes: BigUint64Array, read: (row: number) => Uint8Array): Int32Array {
  const groups = new Int32Array(hashes.length).fill(-1);
  for (const rows of sharedHashes(hashes)) {
    // One for each different row among those of this hash.
    const found: { bytes: Uint8Array; first: number }[] = [];
    for (const row of rows) {
      const bytes = read(row);
      const same = found.find((group) => Buffer.compare(group.bytes, bytes) === 0);
      if (same === undefined) found.push({ bytes, first: row });
      else {
        groups[same.first] = same.first;
        groups[row] = same.first;
      }
    }
  }
  return groups;
}

/** Rows, ascending, of every hash that more than one row has. */
function sharedHashes(hashes: BigUint64Array): number[][] {
  const rows = new Map<bigint, number[]>();
  const sorted = hashes.toSorted();
  for (let k = 1; k < sorted.length; k++) if (sorted[k] === sorted[k - 1]) rows.set(sorted[k]!, []);
  if (rows.size > 0) for (let row = 0; row < hashes.length; row++) rows.get(hashes[row]!)?.push(row);
  return [...rows.values()];
}
