import type { NeighbourSpace, NeighboursInput, PartitionInput, Tasks } from '../src/executor/tasks.js';
import { keptPlaces } from '../src/plan/neighbour-units.js';
import { NearestLists } from '../src/tables/nearest-lists.js';
import { measureDefinitions } from '../src/tables/neighbour-measures.js';
import { exactValues, PAIRS } from './exact-squares.js';
import { endIfInterrupted } from './interruption.js';
import { Selection, type TileRows } from './neighbour-selection.js';
import { type ColumnsAt, PartitionReader } from './partition-columns.js';
import { QueryBlock } from './query-block.js';
import { sweepRows } from './row-sweep.js';
import { rowsReport } from './rows-report.js';
import { allotSearch, type SearchRegions } from './search-memory.js';

/**
 * Finds the exact k nearest neighbours of a block of queries among all rows.
 *
 * Where nobody has selected what may be the nearest before, the queries' unit vectors are the fixed operand of products in
 * float32, which all rows are multiplied with, strip by strip; of every query k + 8 rows of the best scores are kept. Their
 * values are then computed in float64 from the projections. A list is complete where the k-th of them is nearer than any row
 * that was passed over can be, as the bound of the products' error tells; of the other queries a second pass looks at every
 * row that can be as near.
 *
 * Memory: the projections of the queries, twice and once more in the product, a partition by columns, a strip, and its
 * products; whatever V is.
 */
export async function neighbours(input: NeighboursInput): Promise<Tasks['neighbours']['result']> {
  const search = new Search(input);
  await search.begin();
  await search.judgeSelected();
  await search.widen();
  return { lists: search.lists };
}

/** A measure, the rows that may be the nearest by it, and those that are. */
interface Found {
  space: NeighbourSpace;
  selection: Selection;
  lists: NearestLists;
}

/** A stretch of a partition, which lies in kernel memory by columns. */
interface Stretch {
  columns: ColumnsAt;
  /** Number in the vocabulary of the row that lies first. */
  firstRow: number;
}

/** Queries of a unit, and what is found of them. */
class Search {
  readonly #input: NeighboursInput;
  readonly #regions: SearchRegions;
  readonly #reader: PartitionReader;
  readonly #block: QueryBlock;
  readonly #found: Found[];

  constructor(input: NeighboursInput) {
    const { partitions, queries, k, measures, isFirst } = input;
    const size = { queries: queries.own.length, listedRows: 0, places: keptPlaces(k) };
    const { regions, ofSelection } = allotSearch(input, size);
    this.#input = input;
    this.#regions = regions;
    this.#reader = new PartitionReader(regions);
    this.#block = new QueryBlock(queries, partitions[0]!.hidden, regions);
    this.#found = measures.map((measure) => {
      const space = input.spaces[measureDefinitions[measure].space]!;
      const selection = new Selection(measure, { space, isFirst }, ofSelection(measure), size);
      return { space, selection, lists: new NearestLists(queries.own.length, k) };
    });
  }

  /** What was found, a measure. */
  get lists() {
    return this.#found.map(({ lists }) => lists.lists);
  }

  /** Takes the rows that may be the nearest from whoever has selected them, or selects them. */
  async begin(): Promise<void> {
    const { partitions, kept } = this.#input;
    await this.#block.read(partitions, this.#reader);
    for (const { selection } of this.#found) selection.begin(this.#block);
    if (kept === null)
      await this.#forEachTile(({ selection }, rows) => selection.offer(rows, { alsoToRows: false }));
    else for (const [m, { selection }] of this.#found.entries()) selection.restore(kept[m]!);
  }

  /** Computes exact values of all that was selected, and puts them on the lists. */
  async judgeSelected(): Promise<void> {
    const { partitions } = this.#input;
    const kept = this.#found.map(({ selection }) => keptByPartition(selection, partitions));
    // The last one has been read last.
    for (const [index, partition] of [...partitions.entries()].toReversed()) {
      const stretch = { columns: await this.#reader.read(partition), firstRow: partition.rows.first };
      for (const [m, found] of this.#found.entries()) {
        const pairs = kept[m]![index]!;
        for (let at = 0; at < pairs.length; at += 2 * PAIRS) {
          const some = pairs.subarray(at, at + 2 * PAIRS);
          this.#regions.pairs.int32.set(some);
          this.#judge(found, stretch, some.length / 2);
        }
      }
    }
  }

  /** Looks once more at all rows for queries whose lists may lack some, and makes these lists anew. */
  async widen(): Promise<void> {
    const limits = this.#found.map((found) => this.#openLimits(found));
    const open = Int32Array.from(this.#block.places.filter((q) => limits.some((of) => of[q] !== null)));
    if (open.length === 0) return;
    this.#block.narrow(open);
    for (const [m, { selection, lists }] of this.#found.entries()) {
      selection.begin(this.#block);
      for (const [place, q] of open.entries()) {
        const limit = limits[m]![q]!;
        selection.listFrom(place, limit);
        if (limit !== null) lists.clear(q);
      }
    }
    await this.#forEachTile((found, rows, columns) => this.#judgeTile(found, rows, columns));
  }

  /** The last value of every list that is not known to be complete, infinite where it has room; null where it is. */
  #openLimits({ selection, lists }: Found): (number | null)[] {
    return Array.from(this.#block.places, (q) => {
      const last = lists.lastValue(q) ?? Number.POSITIVE_INFINITY;
      return selection.isComplete(q, last) ? null : last;
    });
  }

  /** Multiplies all rows with the queries, and shows every tile to the measures of its space. */
  async #forEachTile(use: (found: Found, rows: TileRows, columns: ColumnsAt) => void): Promise<void> {
    const { partitions, spaces, backend, queries, measures } = this.#input;
    const last = partitions.at(-1)!.rows;
    const all = { first: 0, count: last.first + last.count };
    const selections = this.#found.map(({ selection }) => selection);
    const [regions, reader, block] = [this.#regions, this.#reader, this.#block];
    const sweep = { partitions, spaces, backend, regions, reader, block, selections };
    await sweepRows(sweep, [all], (m, rows, columns) => {
      use(this.#found[m]!, rows, columns);
      rowsReport.advance((queries.own.length * rows.count) / all.count / measures.length);
    });
  }

  /** Puts all rows of a tile on the lists that can be as near as their last values were. */
  #judgeTile(found: Found, rows: TileRows, { offset, columnStride }: ColumnsAt): void {
    const { pairs, found: listed } = this.#regions;
    const columns = { offset: offset + rows.within * 4, columnStride };
    for (let row = 0; row < rows.count; ) {
      endIfInterrupted();
      row = found.selection.list(rows, row, { pairs, found: listed, capacity: PAIRS });
      this.#judge(found, { columns, firstRow: rows.firstRow }, listed.int32[0]!);
    }
  }

  /** Puts the exact values of the listed pairs on the lists. */
  #judge({ space, selection, lists }: Found, { columns, firstRow }: Stretch, count: number): void {
    if (count === 0) return;
    endIfInterrupted();
    const { pairs } = this.#regions;
    const { places } = this.#block;
    const norms = this.#block.norms(space);
    const values = exactValues(
      { isCosine: selection.isCosine, weights: space.weights },
      {
        queries: { ...this.#block.columns, normOf: (q) => norms[q]!, centre: this.#block.centre(space) },
        rows: { ...columns, normOf: (row) => space.norms[firstRow + row]!, centre: space.mean },
      },
      this.#regions,
      count,
    );
    for (let k = 0; k < count; k++) {
      const [q, row] = [pairs.int32[2 * k]!, pairs.int32[2 * k + 1]!];
      lists.offer(places[q]!, firstRow + row, values[k]!);
    }
  }
}

/** What a selection has kept: of each partition int32 [pairs, 2], query and row within the partition. */
function keptByPartition(selection: Selection, partitions: readonly PartitionInput[]): Int32Array[] {
  const last = partitions.at(-1)!.rows;
  const partitionOf = new Uint32Array(last.first + last.count);
  for (const [index, { rows }] of partitions.entries())
    partitionOf.fill(index, rows.first, rows.first + rows.count);
  const counts = new Uint32Array(partitions.length);
  selection.forEachKept((_, id) => counts[partitionOf[id]!]!++);
  const kept = Array.from(counts, (count) => new Int32Array(2 * count));
  const ends = new Uint32Array(partitions.length);
  selection.forEachKept((q, id) => {
    const index = partitionOf[id]!;
    const at = ends[index]!;
    kept[index]![at] = q;
    kept[index]![at + 1] = id - partitions[index]!.rows.first;
    ends[index] = at + 2;
  });
  return kept;
}
