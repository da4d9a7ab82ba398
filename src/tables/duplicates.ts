import { createHash } from 'node:crypto';

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
    // By a hash that nobody can choose rows for: whoever made them may know the other one.
    const firstRows = new Map<string, number>();
    for (const row of rows) {
      const digest = createHash('sha256').update(read(row)).digest('hex');
      const first = firstRows.get(digest);
      if (first === undefined) firstRows.set(digest, row);
      else {
        groups[first] = first;
        groups[row] = first;
      }
    }
  }
  return groups;
}

/** Rows, ascending, of every hash that more than one row has. */
function sharedHashes(hashes: BigUint64Array): number[][] {
  const sorted = hashes.toSorted();
  const shared = sorted.filter((hash, k) => hash === sorted[k - 1] && hash !== sorted[k - 2]);
  const rows: number[][] = Array.from(shared, () => []);
  if (rows.length > 0) {
    for (const [row, hash] of hashes.entries()) rows[placeIn(shared, hash)]?.push(row);
  }
  return rows;
}

/** Finds a value by halving; -1 where it is not there. @param sorted ascending */
function placeIn(sorted: BigUint64Array, value: bigint): number {
  let low = 0;
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value ? low : -1;
}
