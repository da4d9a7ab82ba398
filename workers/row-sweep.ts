import type { NeighbourSpace, PartitionInput } from '../src/executor/tasks.js';
import type { BackendChoice } from '../src/linalg/backend/backend.js';
import { type RowRange, sharedRows } from '../src/plan/row-ranges.js';
import { measureDefinitions, type SpaceName } from '../src/tables/neighbour-measures.js';
import type { Selection, TileRows } from './neighbour-selection.js';
import type { ColumnsAt, PartitionReader } from './partition-columns.js';
import type { QueryBlock } from './query-block.js';
import { type ProductRegions, RowProducts } from './row-products.js';

/** Queries that rows are multiplied with, the selections that look at the products, and what rows are read and multiplied by. */
export interface RowSweep {
  partitions: readonly PartitionInput[];
  spaces: Partial<Record<SpaceName, NeighbourSpace>>;
  backend: BackendChoice;
  regions: ProductRegions;
  reader: PartitionReader;
  block: QueryBlock;
  selections: readonly Selection[];
}

/** What looks at a tile of products: the number of a selection, the rows, and where these lie in their partition. */
export type UseOfTile = (selection: number, rows: TileRows, columns: ColumnsAt) => void;

/**
 * Multiplies rows with the queries, and shows every tile to the selections of its space.
 *
 * @param wanted stretches of the vocabulary, of which no tile holds rows of two
 */
export async function sweepRows(
  { partitions, spaces, backend, regions, reader, block, selections }: RowSweep,
  wanted: readonly RowRange[],
  use: UseOfTile,
): Promise<void> {
  const products: { name: SpaceName; product: RowProducts }[] = [];
  try {
    for (const [name, space] of Object.entries(spaces) as [SpaceName, NeighbourSpace][])
      products.push({ name, product: await RowProducts.open(space, block, { regions, backend }) });
    for (const partition of partitions) {
      const parts = wanted.flatMap((range) => {
        const shared = sharedRows(range, partition.rows);
        return shared === null ? [] : [{ first: shared.first - partition.rows.first, count: shared.count }];
      });
      if (parts.length === 0) continue;
      const columns = await reader.read(partition);
      for (const selection of selections) selection.beginRows(partition.rows);
      for (const { name, product } of products)
        await product.forEachTile(partition, columns, parts, (rows) => {
          for (const [number, { measure }] of selections.entries())
            if (measureDefinitions[measure].space === name) use(number, rows, columns);
        });
    }
  } finally {
    for (const { product } of products) await product.release();
  }
}
