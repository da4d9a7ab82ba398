import type { NeighbourSpace, PartitionInput } from '../src/executor/tasks.js';
import type { BackendChoice, FixedMultiplication } from '../src/linalg/backend/backend.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { QUERY_STEP } from '../src/linalg/kernels/neighbour-kernels.js';
import { type RowRange, splitRange } from '../src/plan/row-ranges.js';
import { endIfInterrupted } from './interruption.js';
import { neighbourKernels } from './neighbour-kernels.js';
import type { TileRows } from './neighbour-selection.js';
import type { ColumnsAt } from './partition-columns.js';
import type { QueryBlock } from './query-block.js';

/**
 * Rows that are multiplied at once. Where rows are short, their products are most of what is moved, and few of them stay in
 * the cache until they have been looked at; where they are long, the queries are, and many rows share them.
 */
function tileRows(d: number): number {
  return Math.min(512, 64 * Math.ceil(d / 320));
}

/** Kernel memory of the products in all spaces: of unit vectors of queries and of rows, and what makes them such. */
export type ProductRegions = Record<
  'queryUnits' | 'units' | 'tile' | 'centre' | 'roots' | 'inverses',
  Region
>;

/** Bytes of these regions. @param most rows of the largest partition */
export function productSizes(
  d: number,
  { queries, most }: { queries: number; most: number },
): Record<keyof ProductRegions, number> {
  const rows = Math.min(tileRows(d), most);
  return {
    queryUnits: d * queries * 4,
    units: rows * d * 4,
    tile: (rows * queries + QUERY_STEP) * 4,
    centre: d * 8,
    roots: d * 8,
    inverses: Math.max(queries, most) * 8,
  };
}

/** Products of the unit vectors of rows with those of some queries, in float32, in the coordinates of one space. */
export class RowProducts {
  readonly #space: NeighbourSpace;
  readonly #queries: number;
  readonly #product: FixedMultiplication;
  readonly #regions: ProductRegions;

  private constructor(
    space: NeighbourSpace,
    queries: number,
    product: FixedMultiplication,
    regions: ProductRegions,
  ) {
    this.#space = space;
    this.#queries = queries;
    this.#product = product;
    this.#regions = regions;
  }

  /** Makes the queries' unit vectors the fixed operand of products. */
  static async open(
    space: NeighbourSpace,
    block: QueryBlock,
    { regions, backend }: { regions: ProductRegions; backend: BackendChoice },
  ): Promise<RowProducts> {
    const { count: n, columns } = block;
    const d = space.mean.length;
    setCoordinates(regions, block.centre(space), space.weights);
    setInverses(regions, block.norms(space));
    neighbourKernels.unitColumns(
      columns.offset,
      n,
      d,
      columns.columnStride,
      regions.centre.offset,
      regions.roots.offset,
      regions.inverses.offset,
      regions.queryUnits.offset,
    );
    const values = regions.queryUnits.float32.subarray(0, d * n);
    const product = await (await openBackend(backend)).fixedProduct({ values, rows: d, columns: n }, 1);
    return new RowProducts(space, n, product, regions);
  }

  /**
   * Multiplies rows of a partition, and shows the products tile by tile.
   *
   * @param columns where the partition lies
   * @param wanted stretches of its rows, within it
   */
  async forEachTile(
    { rows }: PartitionInput,
    columns: ColumnsAt,
    wanted: readonly RowRange[],
    use: (tile: TileRows) => void,
  ): Promise<void> {
    const { mean, weights, norms } = this.#space;
    const { units, tile, centre, roots, inverses } = this.#regions;
    const [d, n] = [mean.length, this.#queries];
    setCoordinates(this.#regions, mean, weights);
    setInverses(this.#regions, norms.subarray(rows.first, rows.first + rows.count));
    for (const { first, count } of wanted.flatMap((part) => splitRange(part, tileRows(d)))) {
      endIfInterrupted();
      neighbourKernels.unitRows(
        columns.offset + first * 4,
        count,
        d,
        columns.columnStride,
        centre.offset,
        roots.offset,
        inverses.offset + first * 8,
        units.offset,
      );
      await this.#product.multiply(
        { values: units.float32.subarray(0, count * d), rows: count, columns: d },
        { values: tile.float32.subarray(0, count * n), rows: count, columns: n },
      );
      use({ tile: tile.offset, firstRow: rows.first + first, within: first, count });
    }
  }

  /** Frees the fixed operand. */
  async release(): Promise<void> {
    await this.#product.release();
  }
}

function setCoordinates(
  { centre, roots }: ProductRegions,
  taken: Float64Array | null,
  weights: Float64Array,
): void {
  if (taken === null) centre.float64.fill(0);
  else centre.float64.set(taken);
  roots.float64.set(weights.map(Math.sqrt));
}

/** Sets inverse norms; that of a vector of zeros is 0, which leaves it as it is. */
function setInverses({ inverses }: ProductRegions, norms: Float64Array): void {
  for (const [k, norm] of norms.entries()) inverses.float64[k] = norm > 0 ? 1 / norm : 0;
}
