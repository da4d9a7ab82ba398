import type { NeighboursInput } from '../src/executor/tasks.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import type { NeighbourMeasure } from '../src/tables/neighbour-measures.js';
import { memory } from './context.js';
import { type PairRegions, pairSizes } from './exact-squares.js';
import { type SelectionRegions, type SelectionSize, selectionSizes } from './neighbour-selection.js';
import { columnBytes } from './partition-columns.js';
import type { QueryRegions } from './query-block.js';
import { type ProductRegions, productSizes } from './row-products.js';

/** Kernel memory of a unit. */
export type SearchRegions = Record<'block' | 'strip', Region> & QueryRegions & ProductRegions & PairRegions;

/** Lays out the memory of a unit, and that of each of its selections. */
export function allotSearch(
  { partitions, measures }: Pick<NeighboursInput, 'partitions' | 'measures'>,
  { queries, listedRows, places }: Omit<SelectionSize, 'rows'>,
): { regions: SearchRegions; ofSelection: (measure: NeighbourMeasure) => SelectionRegions } {
  const d = partitions[0]!.hidden;
  const most = Math.max(...partitions.map(({ rows }) => rows.count));
  const sizes = selectionSizes({ queries, rows: most, listedRows, places });
  const selections = measures.flatMap((measure) =>
    Object.entries(sizes).map(([name, bytes]) => [`${measure}.${name}`, bytes]),
  );
  const regions: Record<string, Region> = memory.allot({
    ...columnBytes(partitions),
    ...pairSizes(d),
    ...productSizes(d, { queries, most }),
    ...{ queries: d * queries * 4, rowsOf: queries * 4 },
    ...(Object.fromEntries(selections) as Record<string, number>),
  });
  const ofSelection = (measure: NeighbourMeasure) => {
    const own = Object.keys(sizes).map((name) => [name, regions[`${measure}.${name}`]]);
    return Object.fromEntries(own) as SelectionRegions;
  };
  return { regions: regions as SearchRegions, ofSelection };
}
