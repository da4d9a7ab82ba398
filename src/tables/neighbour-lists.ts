import type { NeighbourLists } from './nearest-lists.js';

/** Nearest neighbours by one measure, of some tokens or all. */
export interface MeasuredNeighbours {
  /** Numbers of the rows, nearest first, ties by the lower number; null for a row without a direction. */
  ids: (number[] | null)[];
  /** Their values of the measure. */
  values: (number[] | null)[];
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

/** Lists of k each, as they were found. */
type FoundLists = NeighbourLists & { k: number };

/** A list that is wanted. */
export interface WantedList {
  /** Place of its query among those that were searched for; null for one without a direction. */
  place: number | null;
  /** The row that it is the list of, -1 for a vector from outside. */
  own: number;
}

/**
 * Gives copies their place in lists of rows that are none: those of the row itself are at 0, and those of a neighbour as far as
 * it is.
 *
 * @param found lists of rows that are the first of their equals, among such rows, or of vectors from outside
 */
export function withCopies(
  wanted: readonly WantedList[],
  { k, ids, values }: FoundLists,
  { first, groups }: EqualRows,
): MeasuredNeighbours {
  const lists = wanted.map(({ place, own }) => {
    if (place === null) return null;
    const list: Neighbour[] = [];
    const add = (row: number, value: number) => {
      // Of more than k others, only the lowest can be on the list.
      for (const id of groups.get(row)?.slice(0, k + 1) ?? [row]) if (id !== own) list.push({ id, value });
    };
    if (own >= 0) add(first[own]!, 0);
    for (let at = place * k; at < (place + 1) * k && ids[at]! >= 0; at++) {
      if (list.length >= k && values[at]! > list.at(-1)!.value) break;
      add(ids[at]!, values[at]!);
    }
    return list.sort((a, b) => a.value - b.value || a.id - b.id).slice(0, k);
  });
  return measured(lists);
}

/** Lists as they were found among all rows. @param isDefined whether a query has the measure */
export function listsOf(
  { k, ids, values }: FoundLists,
  isDefined: (query: number) => boolean,
): MeasuredNeighbours {
  return measured(
    Array.from({ length: ids.length / k }, (_, query) => {
      if (!isDefined(query)) return null;
      const own = Array.from(ids.subarray(query * k, (query + 1) * k), (id, place) => ({
        id,
        value: values[query * k + place]!,
      }));
      return own.filter(({ id }) => id >= 0);
    }),
  );
}

interface Neighbour {
  id: number;
  value: number;
}

function measured(lists: readonly (Neighbour[] | null)[]): MeasuredNeighbours {
  return {
    ids: lists.map((list) => list?.map(({ id }) => id) ?? null),
    values: lists.map((list) => list?.map(({ value }) => value) ?? null),
  };
}
