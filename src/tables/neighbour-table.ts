import {
  int32,
  listOfDoubles,
  listOfInt32,
  nullableInt32,
  sorted,
  type TableColumn,
} from '../formats/parquet-table.js';
import { type Hubness, hubCounts, hubnessOf } from './hubness.js';
import { knotLimit, knotsOf, listKnots } from './knots.js';
import type { MeasuredNeighbours } from './neighbour-lists.js';
import { measureDefinitions, type NeighbourMeasure } from './neighbour-measures.js';

/** Neighbours of all tokens by one measure. */
export interface NeighboursOfMeasure extends MeasuredNeighbours {
  measure: NeighbourMeasure;
  /** Root mean square of the norms of the rows without the mean row, in the coordinates of the measure. */
  rootMeanSquare: number;
}

/** What the neighbours of all tokens come to. */
export interface NeighbourSummary {
  /** How unevenly tokens stand on the lists, a measure. */
  hubs: Partial<Record<NeighbourMeasure, Hubness>>;
  /** Knots of near-duplicates by the first measure: `limit` is the value up to which two tokens are tied. */
  knots: { limit: number; count: number; tokens: number; largest: number };
}

/** Columns of neighbours.parquet: a row a token, ascending. */
export function neighbourTable(found: readonly NeighboursOfMeasure[]): {
  columns: TableColumn[];
  summary: NeighbourSummary;
} {
  const [leading] = found as [NeighboursOfMeasure];
  const limit = knotLimit(measureDefinitions[leading.measure].isCosine, leading.rootMeanSquare);
  const knots = knotsOf(leading, limit);
  const listed = listKnots(knots);
  const counts = found.map(({ ids }) => hubCounts(ids));
  const columns = [
    sorted(
      'token_id',
      Int32Array.from(leading.ids, (_, id) => id),
    ),
    nullableInt32('knot', knots),
    ...found.flatMap(({ measure, ids, values }, m) => [
      listOfInt32(`${measure}_ids`, ids),
      listOfDoubles(`${measure}_values`, values),
      int32(`${measure}_hub_count`, counts[m]!),
    ]),
  ];
  return {
    columns,
    summary: {
      hubs: Object.fromEntries(found.map(({ measure }, m) => [measure, hubnessOf(counts[m]!)])),
      knots: {
        limit,
        count: listed.length,
        tokens: listed.reduce((sum, { tokens }) => sum + tokens.length, 0),
        largest: listed[0]?.tokens.length ?? 0,
      },
    },
  };
}
