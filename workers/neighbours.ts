import type { NeighbourSpace, NeighboursInput, PartitionInput, Tasks } from '../src/executor/tasks.js';
import type { FixedMultiplication } from '../src/linalg/backend/backend.js';
import { openBackend } from '../src/linalg/backend/open-backend.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { QUERY_STEP } from '../src/linalg/kernels/neighbour-kernels.js';
import { STRIP_ROWS } from '../src/plan/plan-run.js';
import { splitRows } from '../src/plan/row-ranges.js';
import {
  measureDefinitions,
  type NeighbourMeasure,
  type SpaceName,
} from '../src/tables/neighbour-measures.js';
import { memory } from './context.js';
import { exactValues, PAIRS, type PairRegions, pairSizes } from './exact-squares.js';
import { endIfInterrupted } from './interruption.js';
import { NearestLists } from './nearest-lists.js';
import { neighbourKernels } from './neighbour-kernels.js';
import { Selection, type SelectionRegions, selectionSizes, type TileRows } from './neighbour-selection.js';
import { columnBytes, type PartitionColumns, readColumns } from './partition-columns.js';
import { rowsReport } from './rows-report.js';

/** Rows that are kept of every query beside the k wanted: those that float32 may have put in a wrong order. */
const SPARE_PLACES = 8;

/**
 * Finds the exact k nearest neighbours of some tokens among all rows.
 *
 * The queries' unit vectors are the fixed operand of products in float32, which all rows are multiplied with, strip by strip;
 * of every query k + 8 rows of the best scores are kept. Their values are then computed in float64 from the projections. A
 * list is complete where the k-th of them is nearer than any row that was passed over can be, as the bound of the
 * products' error tells; of the other queries a second pass looks at every row that can be as near.
 *
 * Memory: the projections of the queries, twice and once more in the product, a partition by columns, a strip, and its
 * products; whatever V is.
 */
export async function neighbours(input: NeighboursInput): Promise<Tasks['neighbours']['result']> {
  const search = new Search(input);
  const { queries, k, measures } = input;
  await search.gatherQueries(queries);
  const found = measures.map(() => new NearestLists(queries.length, k));
  search.begin(queries);
  await search.forEachTile(queries, (selection, rows) => selection.offer(rows));
  await search.judgeCandidates(queries, found);
  const open = search.openQueries(queries, found);
  const widened = queries.filter((_, q) => open.some((list) => list[q] === 1));
  if (widened.length > 0) await search.widen(queries, widened, { open, found });
  return { lists: found.map(({ lists }) => lists) };
}

/** Kernel memory of a space: [d] each, and inverse norms of the queries and of a partition's rows. */
type SpaceRegions = Record<'mean' | 'roots' | 'inverses' | 'units', Region>;

interface SearchedSpace extends NeighbourSpace {
  name: SpaceName;
  regions: SpaceRegions;
}

/** Queries of a unit, and all rows that they are compared with. */
class Search {
  readonly #input: NeighboursInput;
  readonly #d: number;
  readonly #spaces: SearchedSpace[];
  readonly #selections: Selection[];
  readonly #regions: Record<'block' | 'strip' | 'queries' | 'rowsOf' | 'units' | 'tile', Region> &
    PairRegions;

  #held: { partition: PartitionInput; columns: PartitionColumns } | undefined;

  constructor(input: NeighboursInput) {
    const { partitions, queries, k, measures, isFirst } = input;
    const d = partitions[0]!.hidden;
    const n = queries.length;
    const most = Math.max(...partitions.map(({ rows }) => rows.count));
    const strip = Math.min(STRIP_ROWS, most);
    const places = k + SPARE_PLACES;
    const names = Object.keys(input.spaces) as SpaceName[];
    const sizes: Record<string, number> = {
      ...columnBytes(partitions),
      ...pairSizes(d),
      queries: d * n * 4,
      rowsOf: n * 4,
      units: strip * d * 4,
      tile: (strip * n + QUERY_STEP) * 4,
      ...prefixed(names, { mean: d * 8, roots: d * 8, inverses: Math.max(n, most) * 8, units: d * n * 4 }),
      ...prefixed(measures, selectionSizes(n, places, most)),
    };
    const regions = memory.allot(sizes);
    this.#input = input;
    this.#d = d;
    this.#regions = regions as never;
    this.#spaces = names.map((name) => ({
      ...input.spaces[name]!,
      name,
      regions: unprefixed(name, regions) as SpaceRegions,
    }));
    this.#selections = measures.map((measure) => {
      const space = input.spaces[measureDefinitions[measure].space]!;
      return new Selection(
        measure,
        { space, isFirst, places },
        unprefixed(measure, regions) as SelectionRegions,
      );
    });
  }

  /** Reads the projections of the queries, by columns. */
  async gatherQueries(queries: Int32Array): Promise<void> {
    const { queries: target, rowsOf } = this.#regions;
    for (const partition of this.#input.partitions) {
      const { first, count } = partition.rows;
      const begin = queries.findIndex((id) => id >= first);
      const within = queries.filter((id) => id >= first && id < first + count);
      if (within.length === 0) continue;
      rowsOf.int32.set(within.map((id) => id - first));
      const { offset, columnStride } = await this.#read(partition);
      neighbourKernels.copyColumns(
        offset,
        this.#d,
        columnStride,
        rowsOf.offset,
        within.length,
        target.offset + begin * 4,
        queries.length * 4,
      );
    }
  }

  /** Begins the selections with some queries. */
  begin(queries: Int32Array): void {
    for (const selection of this.#selections) selection.begin(queries);
  }

  /** Multiplies all rows with the queries, and shows every tile to the selections of its space. */
  async forEachTile(
    queries: Int32Array,
    use: (selection: Selection, rows: TileRows, columns: PartitionColumns) => void,
  ): Promise<void> {
    const products: FixedMultiplication[] = [];
    try {
      for (const space of this.#spaces) products.push(await this.#product(space, queries));
      for (const partition of this.#input.partitions) {
        const columns = await this.#read(partition);
        for (const selection of this.#selections) selection.beginRows(partition.rows);
        for (const [s, space] of this.#spaces.entries()) {
          const selections = this.#selections.filter(
            ({ measure }) => measureDefinitions[measure].space === space.name,
          );
          await this.#multiplyRows(space, products[s]!, { partition, columns, queries }, (rows) => {
            for (const selection of selections) use(selection, rows, columns);
          });
        }
      }
    } finally {
      for (const product of products) await product.release();
    }
  }

  /** Computes exact values of all that the selections have kept, and puts them on the lists. */
  async judgeCandidates(queries: Int32Array, found: readonly NearestLists[]): Promise<void> {
    const { pairs } = this.#regions;
    // The last one has been read last.
    for (const partition of this.#input.partitions.toReversed()) {
      const { first, count } = partition.rows;
      const columns = await this.#read(partition);
      for (const [m, selection] of this.#selections.entries()) {
        let listed = 0;
        const judge = () => {
          this.#judge(selection, { queries, columns, firstRow: first, count: listed }, found[m]!);
          listed = 0;
        };
        for (let q = 0; q < queries.length; q++) {
          for (const id of selection.candidates(q)) {
            if (id < first || id >= first + count) continue;
            pairs.int32[2 * listed] = q;
            pairs.int32[2 * listed + 1] = id - first;
            if (++listed === PAIRS) judge();
          }
        }
        judge();
      }
    }
  }

  /** Which queries have lists that are not known to be complete: uint8 [queries] a measure. */
  openQueries(queries: Int32Array, found: readonly NearestLists[]): Uint8Array[] {
    return this.#selections.map((selection, m) =>
      Uint8Array.from(queries, (_, q) => {
        const last = found[m]!.lastValue(q);
        return last === null || selection.isComplete(q, last) ? 0 : 1;
      }),
    );
  }

  /** Looks once more at all rows for queries whose lists may lack some, and makes these lists anew. */
  async widen(
    queries: Int32Array,
    widened: Int32Array,
    { open, found }: { open: readonly Uint8Array[]; found: readonly NearestLists[] },
  ): Promise<void> {
    const { queries: projections, rowsOf } = this.#regions;
    const places = Int32Array.from(widened, (id) => queries.indexOf(id));
    const last = found.map((lists, m) =>
      Array.from(places, (q) => (open[m]![q] === 1 ? lists.lastValue(q) : null)),
    );
    for (const [m, values] of last.entries())
      for (const [w, value] of values.entries()) if (value !== null) found[m]!.clear(places[w]!);
    // In place: nothing is written beyond what has been read.
    rowsOf.int32.set(places);
    neighbourKernels.copyColumns(
      projections.offset,
      this.#d,
      queries.length * 4,
      rowsOf.offset,
      widened.length,
      projections.offset,
      widened.length * 4,
    );
    this.begin(widened);
    for (const [m, selection] of this.#selections.entries())
      for (const [w, value] of last[m]!.entries()) selection.listFrom(w, value);
    await this.forEachTile(widened, (selection, rows, columns) => {
      const target = found[this.#selections.indexOf(selection)]!;
      this.#judgeTile(selection, { rows, columns, queries: widened, places }, target);
    });
  }

  #judgeTile(
    selection: Selection,
    {
      rows,
      columns,
      queries,
      places,
    }: { rows: TileRows; columns: PartitionColumns; queries: Int32Array; places: Int32Array },
    target: NearestLists,
  ): void {
    const { pairs, found } = this.#regions;
    const at = { ...columns, offset: columns.offset + rows.within * 4 };
    for (let row = 0; row < rows.count; ) {
      endIfInterrupted();
      row = selection.list(rows, row, { pairs, found, capacity: PAIRS });
      const count = found.int32[0]!;
      this.#judge(selection, { queries, columns: at, firstRow: rows.firstRow, count, places }, target);
    }
  }

  /** Puts the exact values of the listed pairs on the lists. @param places of the queries, where they are others */
  #judge(
    { measure, isCosine }: Selection,
    {
      queries,
      columns,
      firstRow,
      count,
      places,
    }: {
      queries: Int32Array;
      columns: PartitionColumns;
      firstRow: number;
      count: number;
      places?: Int32Array;
    },
    target: NearestLists,
  ): void {
    if (count === 0) return;
    endIfInterrupted();
    const { pairs, queries: projections } = this.#regions;
    const space = this.#spaces.find(({ name }) => name === measureDefinitions[measure].space)!;
    const exact = { ids: queries, projections: projections.offset, space, isCosine };
    const values = exactValues(exact, { columns, firstRow }, this.#regions, count);
    for (let k = 0; k < count; k++) {
      const q = pairs.int32[2 * k]!;
      target.offer(places === undefined ? q : places[q]!, firstRow + pairs.int32[2 * k + 1]!, values[k]!);
    }
  }

  /** Reads a partition, unless it is the one that lies there. */
  async #read(partition: PartitionInput): Promise<PartitionColumns> {
    endIfInterrupted();
    if (this.#held?.partition !== partition)
      this.#held = { partition, columns: await readColumns(partition, this.#regions) };
    return this.#held.columns;
  }

  /** Makes the product with the queries' unit vectors. */
  async #product(space: SearchedSpace, queries: Int32Array): Promise<FixedMultiplication> {
    const { units, inverses } = space.regions;
    const n = queries.length;
    this.#setUp(space);
    setInverses(inverses, n, (q) => space.norms[queries[q]!]!);
    neighbourKernels.unitColumns(
      this.#regions.queries.offset,
      n,
      this.#d,
      n * 4,
      space.regions.mean.offset,
      space.regions.roots.offset,
      inverses.offset,
      units.offset,
    );
    const backend = await openBackend(this.#input.backend);
    const values = units.float32.subarray(0, this.#d * n);
    return backend.fixedProduct({ values, rows: this.#d, columns: n }, 1);
  }

  async #multiplyRows(
    space: SearchedSpace,
    product: FixedMultiplication,
    {
      partition,
      columns,
      queries,
    }: { partition: PartitionInput; columns: PartitionColumns; queries: Int32Array },
    use: (rows: TileRows) => void,
  ): Promise<void> {
    const { rows } = partition;
    const { units, tile } = this.#regions;
    const n = queries.length;
    this.#setUp(space);
    setInverses(space.regions.inverses, rows.count, (i) => space.norms[rows.first + i]!);
    for (const { first, count } of splitRows(rows.count, STRIP_ROWS)) {
      endIfInterrupted();
      neighbourKernels.unitRows(
        columns.offset + first * 4,
        count,
        this.#d,
        columns.columnStride,
        space.regions.mean.offset,
        space.regions.roots.offset,
        space.regions.inverses.offset + first * 8,
        units.offset,
      );
      await product.multiply(
        { values: units.float32.subarray(0, count * this.#d), rows: count, columns: this.#d },
        { values: tile.float32.subarray(0, count * n), rows: count, columns: n },
      );
      use({ tile: tile.offset, firstRow: rows.first + first, within: first, count });
      this.#advance(count);
    }
  }

  /** Reports so many rows that were compared in one space as a share of the queries. */
  #advance(rows: number): void {
    const { partitions, queries } = this.#input;
    const all = partitions.reduce((sum, partition) => sum + partition.rows.count, 0) * this.#spaces.length;
    rowsReport.advance((queries.length * rows) / all);
  }

  #setUp({ mean, weights, regions }: SearchedSpace): void {
    regions.mean.float64.set(mean);
    regions.roots.float64.set(weights.map(Math.sqrt));
  }
}

/** Sets inverse norms; that of a row of zeros is 0, which leaves it as it is. */
function setInverses({ float64 }: Region, count: number, normOf: (k: number) => number): void {
  for (let k = 0; k < count; k++) {
    const norm = normOf(k);
    float64[k] = norm > 0 ? 1 / norm : 0;
  }
}

function prefixed(names: readonly (SpaceName | NeighbourMeasure)[], sizes: object): Record<string, number> {
  return Object.fromEntries(
    names.flatMap((name) => Object.entries(sizes).map(([key, bytes]) => [`${name}.${key}`, bytes])),
  );
}

function unprefixed(name: string, regions: Record<string, Region>): Record<string, Region> {
  const start = `${name}.`;
  return Object.fromEntries(
    Object.entries(regions).flatMap(([key, region]) =>
      key.startsWith(start) ? [[key.slice(start.length), region]] : [],
    ),
  );
}
