/** The nearest rows of some queries: by falling key, equal ones by their place among all rows. */
export interface NearestLists {
  /** [queries, places], float64 */
  keys: Float64Array;
  /** Places of the rows among all, int32 [queries, places]; -1 where a list has ended. */
  rows: Int32Array;
}

/** Makes empty lists. */
export function emptyNearestLists(queries: number, places: number): NearestLists {
  return {
    keys: new Float64Array(queries * places).fill(Number.NEGATIVE_INFINITY),
    rows: new Int32Array(queries * places).fill(-1),
  };
}

/** Offers a row to the list that begins at `start`. Rows of one key are offered by rising place. */
export function offerRow(
  { keys, rows }: NearestLists,
  { start, places }: { start: number; places: number },
  key: number,
  row: number,
): void {
  const last = start + places - 1;
  if (!(key > keys[last]!)) return;
  let at = last;
  for (; at > start && key > keys[at - 1]!; at--) {
    keys[at] = keys[at - 1]!;
    rows[at] = rows[at - 1]!;
  }
  keys[at] = key;
  rows[at] = row;
}

/** Adds the lists of later rows. */
export function mergeNearestLists(all: NearestLists, later: NearestLists, places: number): void {
  for (let start = 0; start < all.rows.length; start += places)
    for (let at = start; at < start + places && later.rows[at]! >= 0; at++)
      offerRow(all, { start, places }, later.keys[at]!, later.rows[at]!);
}

/** How many rows of each query's list are in the other one too, int32 [queries]. */
export function countShared(one: NearestLists, other: NearestLists, places: number): Int32Array {
  return Int32Array.from({ length: one.rows.length / places }, (_, query) => {
    const [start, end] = [query * places, (query + 1) * places];
    const kept = new Set(other.rows.subarray(start, end));
    return one.rows
      .subarray(start, end)
      .reduce((count, row) => count + (row >= 0 && kept.has(row) ? 1 : 0), 0);
  });
}
