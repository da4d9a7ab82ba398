import type { NeighbourSpace } from '../src/executor/tasks.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { QUERY_STEP } from '../src/linalg/kernels/neighbour-kernels.js';
import { offsetOf, roundDown, scoreReached } from '../src/linalg/neighbour-scores.js';
import { measureDefinitions, type NeighbourMeasure } from '../src/tables/neighbour-measures.js';
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

/** Kernel memory of a selection. */
export type SelectionRegions = Record<SelectionRegion, Region>;
type SelectionRegion =
  | 'scales'
  | 'offsets'
  | 'factors'
  | 'own'
  | 'thresholds'
  | 'floors'
  | 'counts'
  | 'lowest'
  | 'scores'
  | 'members';

/** Bytes of the regions of a selection. */
export function selectionSizes(
  queries: number,
  places: number,
  rows: number,
): Record<SelectionRegion, number> {
  const ofQueries = (Math.ceil(queries / QUERY_STEP) + 1) * QUERY_STEP * 4;
  return {
    scales: rows * 4,
    offsets: rows * 4,
    factors: ofQueries,
    own: ofQueries,
    thresholds: ofQueries,
    floors: ofQueries / QUERY_STEP,
    counts: ofQueries,
    lowest: ofQueries,
    scores: queries * listStride(places) * 4,
    members: queries * listStride(places) * 4,
  };
}

/** Places of a list in kernel memory, which looks at them by fours. */
function listStride(places: number): number {
  return Math.ceil(places / 4) * 4;
}

/**
 * Selects, for every query, the rows that may be its nearest by one measure, from products in float32. A product s gives
 * the score s scale factor + offset, of which `scoreReached` tells what every row reaches that is near enough.
 */
export class Selection {
  readonly measure: NeighbourMeasure;
  readonly isCosine: boolean;
  readonly #space: NeighbourSpace;
  readonly #isFirst: Uint8Array;
  readonly #places: number;
  readonly #regions: SelectionRegions;
  /** Norms of the queries, and the largest one of these and of all rows. */
  #norms: Float64Array = new Float64Array(0);
  #largest = 1;

  constructor(
    measure: NeighbourMeasure,
    { space, isFirst, places }: { space: NeighbourSpace; isFirst: Uint8Array; places: number },
    regions: SelectionRegions,
  ) {
    this.measure = measure;
    this.isCosine = measureDefinitions[measure].isCosine;
    this.#space = space;
    this.#isFirst = isFirst;
    this.#places = places;
    this.#regions = regions;
  }

  /** Begins with some queries, without any neighbours. */
  begin(block: QueryBlock): void {
    const { factors, own, thresholds, counts, scores } = this.#regions;
    this.#norms = block.norms(this.#space);
    const larger = (a: number, b: number) => Math.max(a, b);
    this.#largest = this.#norms.reduce(larger, this.#space.norms.reduce(larger, 0)) || 1;
    own.int32.set(block.own);
    counts.int32.fill(0);
    factors.float32.fill(0);
    thresholds.float32.fill(Number.POSITIVE_INFINITY);
    scores.float32.fill(Number.POSITIVE_INFINITY);
    for (const [q, norm] of this.#norms.entries()) {
      factors.float32[q] = norm / this.#largest;
      if (this.#hasMeasure(norm)) thresholds.float32[q] = Number.NEGATIVE_INFINITY;
    }
  }

  /** Begins with a partition, of which tiles follow. */
  beginRows({ first, count }: { first: number; count: number }): void {
    const { scales, offsets } = this.#regions;
    const d = this.#space.mean.length;
    for (let i = 0; i < count; i++) {
      const norm = this.#space.norms[first + i]!;
      const isNeighbour = this.#isFirst[first + i] === 1 && this.#hasMeasure(norm);
      const share = norm / this.#largest;
      scales.float32[i] = share;
      offsets.float32[i] = isNeighbour ? offsetOf(this.isCosine, d, share) : Number.NEGATIVE_INFINITY;
    }
  }

  /** Offers rows to all queries. */
  offer({ tile, firstRow, within, count }: TileRows): void {
    const { scales, offsets, factors, own, thresholds, floors, counts, lowest, scores, members } =
      this.#regions;
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
      thresholds.offset,
      floors.offset,
      counts.offset,
      lowest.offset,
      this.#places,
      scores.offset,
      members.offset,
    );
  }

  /** Hands over every row that was kept of every query. */
  forEachKept(use: (q: number, id: number) => void): void {
    const { counts, members } = this.#regions;
    for (let q = 0; q < this.#norms.length; q++) {
      const first = q * listStride(this.#places);
      for (let at = first; at < first + counts.int32[q]!; at++) use(q, members.int32[at]!);
    }
  }

  /** Whether no row that was passed over can be as near to query q as `value`. */
  isComplete(q: number, value: number): boolean {
    // As long as a list has room, it is -infinity: none was.
    return this.#regions.thresholds.float32[q]! < this.#reached(q, value);
  }

  /** Lists from now on, of query q, every row that can be as near as `value`; null: none. */
  listFrom(q: number, value: number | null): void {
    this.#regions.thresholds.float32[q] =
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
    const { scales, offsets, factors, own, thresholds } = this.#regions;
    return neighbourKernels.listAbove(
      tile,
      count,
      this.#norms.length,
      firstRow,
      scales.offset + within * 4,
      offsets.offset + within * 4,
      this.isCosine ? 0 : factors.offset,
      own.offset,
      thresholds.offset,
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

  /** Whether a vector of some norm has this measure: one of zeros has no direction. */
  #hasMeasure(norm: number): boolean {
    return !this.isCosine || norm > 0;
  }
}
