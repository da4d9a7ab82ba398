/** Name of the folders in which units leave the neighbours that they have found. */
export const NEIGHBOUR_UNITS = 'neighbours';

/** Most tokens whose neighbours one unit finds: what is done to a row of the others is shared by as many products. */
const MOST_QUERIES = 4096;
/** Values of their projections, [d, queries], that a thread holds at most. */
const MOST_VALUES = MOST_QUERIES * 2560;
/** Fewest of them, however large d is, as far as there are as many. */
const LEAST_QUERIES = 512;
/** Units, or a multiple of them, that the tokens are divided into: the last ones of several workers end together. */
const UNITS = 2;

/** Divides the tokens whose neighbours are asked for into units, of sizes that depend on their number and on d alone. */
export function neighbourUnits(queries: Int32Array, d: number): Int32Array[] {
  const most = Math.max(LEAST_QUERIES, Math.min(MOST_QUERIES, Math.floor(MOST_VALUES / d)));
  const count = UNITS * Math.ceil(queries.length / (UNITS * most));
  const size = Math.max(LEAST_QUERIES, Math.ceil(queries.length / count));
  return Array.from({ length: Math.ceil(queries.length / size) }, (_, unit) =>
    queries.subarray(unit * size, (unit + 1) * size),
  );
}
