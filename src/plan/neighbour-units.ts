import { LEAST_QUERIES, mostQueries } from './query-blocks.js';
import { type RowRange, splitRows } from './row-ranges.js';

/** Name of the folders in which units leave what may be the nearest neighbours. */
export const NEIGHBOUR_UNITS = 'neighbours';

/** Rows that are kept of every query beside the k wanted: those that float32 may have put in a wrong order. */
const SPARE_PLACES = 8;
/** Bytes of a row that is kept: its number and its score. */
const PLACE_BYTES = 8;

/** Groups that all rows are divided into where nothing speaks against it: each two of them, and each alone, are a unit. */
const GROUPS = 8;
/** Groups at least, as far as they have enough rows: fewer would be too few units for several threads. */
const LEAST_GROUPS = 4;
/** Bytes that what all units have found takes together, at most, where more groups than the fewest are made. */
const MOST_PART_BYTES = 5e8;
/** Share of the most queries that are multiplied at once where a group is compared with itself: a block meets its own rows twice. */
const SHARE_OF_OWN = 0.5;
/** Bytes of the lists of a group that a thread holds, at most. */
const MOST_LIST_BYTES = 2 ** 30;

/**
 * What decides, beside the search, how it is divided and what its units leave: by this, what another version has left is known
 * to be of another division.
 */
export const DIVISION: readonly unknown[] = [
  'pairs of groups',
  { SPARE_PLACES, GROUPS, LEAST_GROUPS, MOST_PART_BYTES, MOST_LIST_BYTES, LEAST_QUERIES },
];

/** Places of the list of rows that may be the nearest. @param k neighbours that are wanted */
export function keptPlaces(k: number): number {
  return k + SPARE_PLACES;
}

/** Search for the neighbours of all rows, as its division needs to know it. */
export interface DividedSearch {
  /** Rows that are compared. */
  rows: number;
  d: number;
  k: number;
  /** Number of the measures. */
  measures: number;
}

/** Unit of a search: two groups of rows that are compared with each other, or one that is compared with itself. */
export interface NeighbourUnit {
  /** Its rows, by their places among those that are compared. */
  group: RowRange;
  /** A later group; null where the rows of the first are compared with each other. */
  other: RowRange | null;
  /** Blocks of the first group that are multiplied at once. */
  blocks: RowRange[];
  /** As many rows as all comparisons of which are as many as the unit's; of all units together, all rows. */
  share: number;
}

/**
 * Divides a search into units: pairs of groups, then, as the shortest, single groups. It depends on nothing but the search,
 * least of all on the number of workers.
 */
export function neighbourUnits(search: DividedSearch, groupRows = rowsOfGroup(search)): NeighbourUnit[] {
  const { rows, d } = search;
  const groups = splitRows(rows, groupRows);
  const pairs = groups.flatMap((group, g) => groups.slice(g + 1).map((other) => ({ group, other })));
  const units = [...pairs, ...groups.map((group) => ({ group, other: null }))];
  let before = 0;
  return units.map(({ group, other }) => {
    const begun = Math.round(before / rows);
    before += group.count * (other === null ? group.count : 2 * other.count);
    const most = mostQueries(d) * (other === null ? SHARE_OF_OWN : 1);
    const blocks = evenBlocks(group.count, most);
    return { group, other, blocks, share: Math.round(before / rows) - begun };
  });
}

/**
 * Puts units into the order in which they are best computed where distances are asked for: to most rows short ones are near, and
 * what a unit has found of them lets those after it pass over the others. Pairs come by the shorter rows of their two groups;
 * single groups, the shortest units, stay last.
 *
 * @param numbers of the units
 * @param lengthOf mean length of the rows of a group
 */
export function shortRowsFirst(
  units: readonly NeighbourUnit[],
  numbers: readonly number[],
  lengthOf: (group: RowRange) => number,
): number[] {
  const lengths = new Map(units.map(({ group }) => [group.first, lengthOf(group)]));
  const shorter = ({ group, other }: NeighbourUnit) =>
    other === null
      ? Number.POSITIVE_INFINITY
      : Math.min(lengths.get(group.first)!, lengths.get(other.first)!);
  const rankOf = new Map(numbers.map((number) => [number, shorter(units[number]!)]));
  const compare = (a: number, b: number) => (a < b ? -1 : a > b ? 1 : 0);
  return numbers.toSorted((a, b) => compare(rankOf.get(a)!, rankOf.get(b)!) || a - b);
}

/** Rows of a group: as many groups as what their units leave has room for, and a thread has for the lists of one. */
function rowsOfGroup({ rows, k, measures }: DividedSearch): number {
  const bytes = rows * keptPlaces(k) * PLACE_BYTES * measures;
  // Of every row, each group has a list, and its own one two.
  const room = Math.floor(MOST_PART_BYTES / bytes) - 1;
  const groups = Math.max(Math.min(GROUPS, room), LEAST_GROUPS, Math.ceil(bytes / MOST_LIST_BYTES));
  return Math.max(LEAST_QUERIES, Math.ceil(rows / groups));
}

function evenBlocks(rows: number, most: number): RowRange[] {
  return splitRows(rows, Math.ceil(rows / Math.ceil(rows / most)));
}
