import type { NeighbourSpace } from '../src/executor/tasks.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { QUERY_STEP } from '../src/linalg/kernels/neighbour-kernels.js';
import { offsetOf, roundDown, scoreReached } from '../src/linalg/neighbour-scores.js';
import type { RowRange } from '../src/plan/row-ranges.js';
import type { Candidates, KeptRows } from '../src/tables/neighbour-candidates.js';
import { measureDefinitions, type NeighbourMeasure } from '../src/tables/neighbour-measures.js';
import { CandidateLists, candidateListsBytes } from './candidate-lists.js';
import { neighbourKernels } from './neighbour-kernels.js';
import type { QueryBlock } from './query-block.js';

/** Rows that the selection looks at: a stretch of a tile, and where its partition lies. */
export interface TileRows {
  /** Pointer to the products, float32 [count, queries]. */
  tile: number;
  /** Number of its first row in the vocabulary, and in the partition. */
  firstRow: number;
  within: number;
  count: number;
}

/** Rows that a selection is made among, and those of them that have lists themselves. */
interface SelectedAmong {
  space: NeighbourSpace;
  /** Whether a row is the first of those that are equal to it, uint8 [V]. */
  isFirst: Uint8Array;
  /** Default: none. */
  listed?: ListedRows;
}

/** Rows that have lists themselves, and scores that as many rows as are kept are known to have at least with each. */
export interface ListedRows {
  ids: Int32Array;
  floors: Float32Array;
}

const NONE_LISTED: ListedRows = { ids: new Int32Array(0), floors: new Float32Array(0) };

/** Kernel memory of a selection. */
export type SelectionRegions = Record<SelectionRegion, Region>;
type SelectionRegion =
  | 'scales'
  | 'offsets'
  | 'listOf'
  | 'factors'
  | 'own'
  | 'ownOffsets'
  | 'floors'
  | 'lists'
  | 'rowLists';

/** How many queries a selection has at most, rows of a partition, rows that have lists themselves, and places of a list. */
export interface SelectionSize {
  queries: number;
  rows: number;
  listedRows: number;
  places: number;
}

/** Bytes of the regions of a selection. */
export function selectionSizes({
  queries,
  rows,
  listedRows,
  places,
}: SelectionSize): Record<SelectionRegion, number> {
  const ofQueries = Math.ceil(queries / QUERY_STEP) * QUERY_STEP * 4;
  return {
    scales: rows * 4,
    offsets: rows * 4,
    listOf: rows * 4,
    factors: ofQueries,
    own: ofQueries,
    ownOffsets: ofQueries,
    floors: ofQueries / QUERY_STEP,
    lists: candidateListsBytes(queries, places),
    rowLists: candidateListsBytes(listedRows, places),
  };
}

/**
 * Selects, for every query, the rows that may be its nearest by one measure, from products in float32; and for rows that have
 * lists themselves, the queries that may be theirs. A product s gives the score s scale factor + offset, of which
 * `scoreReached` tells what every row reaches that is near enough.
 */
export class Selection {
  readonly measure: NeighbourMeasure;
  readonly isCosine: boolean;
  readonly #space: NeighbourSpace;
  readonly #isFirst: Uint8Array;
  readonly #regions: SelectionRegions;
  readonly #lists: CandidateLists;
  readonly #rowLists: CandidateLists;
  /** Number of rows that have lists, and the list of each row of the vocabulary, -1 for one that has none. */
  readonly #listed: number;
  readonly #listOf: Int32Array;
  /** The largest norm of all rows, and of these and the queries, whose norms follow. */
  readonly #largestRow: number;
  #largest = 1;
  #norms: Float64Array = new Float64Array(0);

  /**
   * Begins with rows that have lists, without any neighbours.
   *
   * @param size of the regions
   */
  constructor(
    measure: NeighbourMeasure,
    { space, isFirst, listed = NONE_LISTED }: SelectedAmong,
    regions: SelectionRegions,
    { queries, places }: Pick<SelectionSize, 'queries' | 'places'>,
  ) {
    this.measure = measure;
    this.isCosine = measureDefinitions[measure].isCosine;
    this.#space = space;
    this.#isFirst = isFirst;
    this.#regions = regions;
    this.#largestRow = largest(space.norms, 0);
    this.#listed = listed.ids.length;
    this.#listOf = new Int32Array(space.norms.length).fill(-1);
    for (const [list, id] of listed.ids.entries()) this.#listOf[id] = list;
    this.#lists = new CandidateLists(regions.lists, queries, places);
    this.#rowLists = new CandidateLists(regions.rowLists, this.#listed, places);
    const norms = Float64Array.from(listed.ids, (id) => space.norms[id]!);
    this.#rowLists.begin(this.#thresholds(norms, listed.floors));
  }

  /**
   * Begins with some queries, without any neighbours; what rows have on their lists stays.
   *
   * @param floors scores that as many rows as are kept are known to have at least; absent where nothing is known
   */
  begin(block: QueryBlock, floors?: Float32Array): void {
    const { factors, own, ownOffsets } = this.#regions;
    this.#norms = block.norms(this.#space);
    this.#largest = largest(this.#norms, this.#largestRow) || 1;
    own.int32.set(block.own);
    factors.float32.fill(0);
    ownOffsets.float32.fill(Number.NEGATIVE_INFINITY);
    for (const [q, norm] of this.#norms.entries()) {
      factors.float32[q] = norm / this.#largest;
      ownOffsets.float32[q] = this.#offsetOf(norm);
    }
    this.#lists.begin(this.#thresholds(this.#norms, floors));
  }

  /** Puts on the lists of the queries what was kept elsewhere. */
  restore(kept: KeptRows): void {
    this.#lists.restore(kept);
  }

  /** Begins with a partition, of which tiles follow. */
  beginRows({ first, count }: RowRange): void {
    const { scales, offsets, listOf } = this.#regions;
    for (let i = 0; i < count; i++) {
      const norm = this.#space.norms[first + i]!;
      const isNeighbour = this.#isFirst[first + i] === 1;
      scales.float32[i] = norm / this.#largest;
      offsets.float32[i] = isNeighbour ? this.#offsetOf(norm) : Number.NEGATIVE_INFINITY;
    }
    listOf.int32.set(this.#listOf.subarray(first, first + count));
  }

  /** Offers rows to all queries; and the queries to these rows, which are among those that have lists, where they are. */
  offer({ tile, firstRow, within, count }: TileRows, { alsoToRows }: { alsoToRows: boolean }): void {
    const { scales, offsets, listOf, factors, own, ownOffsets, floors } = this.#regions;
    neighbourKernels.offerTile(
      tile,
      count,
      this.#norms.length,
      firstRow,
      scales.offset + within * 4,
      offsets.offset + within * 4,
      // Products are cosines.
      this.isCosine ? 0 : factors.offset,
      own.offset,
      ownOffsets.offset,
      floors.offset,
      this.#lists.places,
      this.#lists.offset,
      this.#lists.capacity,
      listOf.offset + within * 4,
      alsoToRows ? this.#rowLists.offset : 0,
      this.#rowLists.capacity,
    );
  }

  /** Hands over every row that was kept of every query. */
  forEachKept(use: (q: number, id: number) => void): void {
    this.#lists.forEach(this.#norms.length, use);
  }

  /** What was kept of the queries. */
  get ofQueries(): Candidates {
    return this.#lists.candidates(this.#norms.length);
  }

  /** What was kept of the rows that have lists. */
  get ofRows(): Candidates {
    return this.#rowLists.candidates(this.#listed);
  }

  /** Whether no row that was passed over can be as near to query q as `value`. */
  isComplete(q: number, value: number): boolean {
    const threshold = this.#lists.thresholds[q]!;
    // No row was passed over; or none has such a measure with the query.
    if (!Number.isFinite(threshold)) return true;
    return threshold < this.#reached(q, value);
  }

  /** Lists from now on, of query q, every row that can be as near as `value`; null: none. */
  listFrom(q: number, value: number | null): void {
    this.#lists.thresholds[q] =
      value === null ? Number.POSITIVE_INFINITY : roundDown(this.#reached(q, value));
  }

  /**
   * Lists pairs of queries and rows of a tile by the thresholds that `listFrom` has set, from its row `begin` on.
   *
   * @param into pairs (int32 [capacity, 2]: query, row within the tile) and `found`, their number
   * @returns the row to go on with
   */
  list(
    { tile, firstRow, within, count }: TileRows,
    begin: number,
    into: { pairs: Region; found: Region; capacity: number },
  ): number {
    const { scales, offsets, factors, own } = this.#regions;
    return neighbourKernels.listAbove(
      tile,
      count,
      this.#norms.length,
      firstRow,
      scales.offset + within * 4,
      offsets.offset + within * 4,
      this.isCosine ? 0 : factors.offset,
      own.offset,
      // Thresholds are the first of what lists consist of.
      this.#lists.offset,
      begin,
      into.pairs.offset,
      into.capacity,
      into.found.offset,
    );
  }

  #reached(q: number, value: number): number {
    const share = this.#norms[q]! / this.#largest;
    const d = this.#space.mean.length;
    return scoreReached({ isCosine: this.isCosine, d, value, share, largest: this.#largest });
  }

  /** What scores must be above to be put on the lists of vectors of some norms. */
  #thresholds(norms: Float64Array, floors?: Float32Array): Float32Array {
    return Float32Array.from(norms, (norm, list) =>
      this.#hasMeasure(norm) ? (floors?.[list] ?? Number.NEGATIVE_INFINITY) : Number.POSITIVE_INFINITY,
    );
  }

  /** What is added to the product with a vector of some norm; -infinity where it has no such measure. */
  #offsetOf(norm: number): number {
    if (!this.#hasMeasure(norm)) return Number.NEGATIVE_INFINITY;
    return offsetOf(this.isCosine, this.#space.mean.length, norm / this.#largest);
  }

  /** Whether a vector of some norm has this measure: one of zeros has no direction. */
  #hasMeasure(norm: number): boolean {
    return !this.isCosine || norm > 0;
  }
}

function largest(values: Float64Array, least: number): number {
  return values.reduce((a, b) => Math.max(a, b), least);
}
