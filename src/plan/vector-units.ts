import { type RowRange, splitRows } from './row-ranges.js';

/** Vectors whose coordinates are computed at a time: 10 MB of them at d = 2,560. */
const COORDINATE_VECTORS = 1024;

/** Vectors that tokens are ranked for at a time: each group reads all projections again. */
const MOST_RANKED_VECTORS = 2048;

/** Entries that the lists of a group have at most, of 12 bytes each. */
const MOST_ENTRIES = 2 ** 22;

/** Units that the ranking is divided into, where there are vectors enough for a few groups. */
const UNITS = 16;

/** Parts of the vocabulary at most, whose lists are made apart, and merged: each part fills its lists anew. */
const MOST_STRETCHES = 8;

/** Unit of the ranking: some vectors, and the tokens of some partitions. */
export interface RankingUnit {
  vectors: RowRange;
  /** Partitions [first, first + count), by index. */
  partitions: RowRange;
}

/** Splits vectors for their coordinates. */
export function coordinateUnits(vectors: number): RowRange[] {
  return splitRows(vectors, COORDINATE_VECTORS);
}

/**
 * Divides the ranking of all tokens for all vectors. The units depend on nothing else, least of all on the number of
 * workers.
 *
 * @param partitions number of the run's partitions
 * @param listEntries entries that the lists of one vector have together
 */
export function rankingUnits(vectors: number, partitions: number, listEntries: number): RankingUnit[] {
  const group = Math.max(1, Math.min(MOST_RANKED_VECTORS, Math.floor(MOST_ENTRIES / listEntries)));
  const groups = splitRows(vectors, group);
  const parts = Math.min(MOST_STRETCHES, Math.ceil(UNITS / groups.length));
  const stretches = splitRows(partitions, Math.ceil(partitions / parts));
  return groups.flatMap((range) => stretches.map((stretch) => ({ vectors: range, partitions: stretch })));
}
