import { type RowRange, splitRows } from './row-ranges.js';

/** Most queries that rows are compared with at once: what is done to a row of the others is shared by as many products. */
const MOST_QUERIES = 4096;
/** Values of their projections, [d, queries], that a thread holds at most. */
const MOST_VALUES = MOST_QUERIES * 2560;
/** Fewest of them, however large d is, as far as there are as many. */
export const LEAST_QUERIES = 512;
/** Blocks, or a multiple of them, that queries are divided into: the last ones of several workers end together. */
const BLOCKS = 2;

/** Divides queries into blocks, of sizes that depend on their number and on d alone. */
export function queryBlocks(queries: number, d: number): RowRange[] {
  const most = mostQueries(d);
  const count = BLOCKS * Math.ceil(queries / (BLOCKS * most));
  return splitRows(queries, Math.max(LEAST_QUERIES, Math.ceil(queries / count)));
}

/** Most queries of length d that rows are compared with at once. */
export function mostQueries(d: number): number {
  return Math.max(LEAST_QUERIES, Math.min(MOST_QUERIES, Math.floor(MOST_VALUES / d)));
}
