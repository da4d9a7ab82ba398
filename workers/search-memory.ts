import type { NeighboursInput } from '../src/executor/tasks.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import type { NeighbourMeasure } from '../src/tables/neighbour-measures.js';
import { memory } from './context.js';
import { type PairRegions, pairSizes } from './exact-squares.js';
import { type SelectionRegions, selectionSizes } from './neighbour-selection.js';
import { columnBytes } from './partition-columns.js';
import type { QueryRegions } from './query-block.js';
import { type ProductRegions, productSizes } from './row-products.js';

/** Kernel memory of a unit. */
export type SearchRegions = Record<'block' | 'strip', Region> & QueryRegions & ProductRegions & PairRegions;

/** Lays out the memory of a unit, and that of each of its selections. @param places rows that are kept of every query */
export function allotSearch(
  { partitions, queries, measures }: NeighboursInput,
  places: number,
): { regions: SearchRegions; ofSelection: (measure: NeighbourMeasure) => SelectionRegions } {
  const d = partitions[0]!.hidden;
  const n = queries.own.length;
  const most = Math.max(...partitions.map(({ rows }) => rows.count));
  const selections = measures.flatMap((measure) =>
    Object.entries(selectionSizes(n, places, most)).map(([name, bytes]) => [`${measure}.${name}`, bytes]),
  );
  const regions: Record<string, Region> = memory.allot({
    ...columnBytes(partitions),
    ...pairSizes(d),
    ...productSizes(d, { queries: n, most }),
    ...{ queries: d * n * 4, rowsOf: n * 4 },
    ...(Object.fromEntries(selections) as Record<string, number>),
  });
  const ofSelection = (measure: NeighbourMeasure) => {
    const own = Object.keys(selectionSizes(0, 0, 0)).map((name) => [name, regions[`${measure}.${name}`]]);
    return Object.fromEntries(own) as SelectionRegions;
  };
  return { regions: regions as SearchRegions, ofSelection };
}
