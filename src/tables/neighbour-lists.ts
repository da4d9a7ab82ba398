/** Nearest neighbours by one measure, of some tokens or all. */
export interface MeasuredNeighbours {
  /** Numbers of the rows, nearest first, ties by the lower number; null for a row without a direction. */
  ids: (number[] | null)[];
  /** Their values of the measure. */
  values: (number[] | null)[];
}

/** Neighbours of rows that are no copies of one before, among such rows. */
export interface DistinctNeighbours {
  /** Their numbers, rising. */
  queries: Int32Array;
  /** Number of neighbours of each, at most. */
  k: number;
  /** [queries, k], -1 where there are no more. */
  ids: Int32Array;
  /** [queries, k] */
  values: Float64Array;
}

/** Rows that are equal to each other. */
export interface EqualRows {
  /** The first row that is equal to each, int32 [V]. */
  first: Int32Array;
  /** All of those that are equal to a first row, rising, where there are several. */
  groups: ReadonlyMap<number, readonly number[]>;
}

/** Groups equal rows. @param first see `firstOfEqual` */
export function equalRows(first: Int32Array): EqualRows {
  const groups = new Map<number, number[]>();
  for (const [row, lowest] of first.entries()) {
    if (row === lowest) continue;
    const group = groups.get(lowest);
    if (group === undefined) groups.set(lowest, [lowest, row]);
    else group.push(row);
  }
  return { first, groups };
}

/**
 * Gives copies their place in the lists: those of the token itself are at 0, and those of a neighbour as far as it is.
 *
 * @param tokens whose lists are wanted; the first of its equals is among the queries
 * @param isDefined whether a row has the measure
 */
export function withCopies(
  tokens: Int32Array,
  { queries, k, ids, values }: DistinctNeighbours,
  { first, groups }: EqualRows,
  isDefined: (row: number) => boolean,
): MeasuredNeighbours {
  const places = new Map(Array.from(queries, (id, place) => [id, place]));
  const lists = Array.from(tokens, (token) => {
    if (!isDefined(token)) return null;
    const lowest = first[token]!;
    const start = places.get(lowest)! * k;
    const found: { id: number; value: number }[] = [];
    for (const id of groups.get(lowest) ?? []) if (id !== token) found.push({ id, value: 0 });
    for (let at = start; at < start + k && ids[at]! >= 0; at++) {
      const value = values[at]!;
      for (const id of groups.get(ids[at]!) ?? [ids[at]!]) found.push({ id, value });
    }
    return found.sort((a, b) => a.value - b.value || a.id - b.id).slice(0, k);
  });
  return {
    ids: lists.map((list) => list?.map(({ id }) => id) ?? null),
    values: lists.map((list) => list?.map(({ value }) => value) ?? null),
  };
}
