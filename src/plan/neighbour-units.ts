import { type RowRange, splitRows } from './row-ranges.js';

/** Name of the folders in which units leave the neighbours that they have found. */
export const NEIGHBOUR_UNITS = 'neighbours';

/** Most queries whose neighbours one unit finds: what is done to a row of the others is shared by as many products. */
const MOST_QUERIES = 4096;
/** Values of their projections, [d, queries], that a thread holds at most. */
const MOST_VALUES = MOST_QUERIES * 2560;
/** Fewest of them, however large d is, as far as there are as many. */
const LEAST_QUERIES = 512;
/** Units, or a multiple of them, that queries are divided into: the last ones of several workers end together. */
const UNITS = 2;

/** Divides queries into units, of sizes that depend on their number and on d alone. */
export function neighbourUnits(queries: number, d: number): RowRange[] {
  const most = Math.max(LEAST_QUERIES, Math.min(MOST_QUERIES, Math.floor(MOST_VALUES / d)));
  const count = UNITS * Math.ceil(queries / (UNITS * most));
  return splitRows(queries, Math.max(LEAST_QUERIES, Math.ceil(queries / count)));
}
