import type { FoundCandidates } from '../output/neighbour-records.js';
import { keptPlaces, type NeighbourUnit } from '../plan/neighbour-units.js';
import type { RowRange } from '../plan/row-ranges.js';
import { type KeptRows, MergedCandidates } from '../tables/neighbour-candidates.js';
import type { NeighbourRequest } from './neighbour-options.js';

/** What may be the nearest neighbours by each measure, of all that is known. */
export class SearchKnowledge {
  readonly #units: readonly NeighbourUnit[];
  readonly #merged: MergedCandidates[];

  /** @param rows number of rows that are compared */
  constructor(units: readonly NeighbourUnit[], rows: number, { k, measures }: NeighbourRequest) {
    this.#units = units;
    this.#merged = measures.map(() => new MergedCandidates(rows, keptPlaces(k)));
  }

  /** Adds what a unit has found. */
  add({ ofQueries, ofRows }: FoundCandidates, unit: number): void {
    const { group, other } = this.#units[unit]!;
    for (const [m, merged] of this.#merged.entries()) {
      merged.add(group.first, ofQueries[m]!);
      merged.add((other ?? group).first, ofRows[m]!);
    }
  }

  /** What is kept of some rows, a measure. */
  kept({ first, count }: RowRange): KeptRows[] {
    return this.#merged.map((merged) => merged.slice(first, count));
  }

  /** Scores that as many rows as are kept have at least with each of some rows, a measure. */
  floors({ first, count }: RowRange): Float32Array[] {
    return this.#merged.map((merged) => merged.floors(first, count));
  }
}
