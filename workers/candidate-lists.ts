import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { QUERY_STEP } from '../src/linalg/kernels/neighbour-kernels.js';
import type { Candidates, KeptRows } from '../src/tables/neighbour-candidates.js';

/** Bytes of `count` lists of so many places in kernel memory. */
export function candidateListsBytes(count: number, places: number): number {
  return capacityOf(count) * 4 * (3 + 2 * strideOf(places));
}

/** Lists in kernel memory that are looked at together. */
function capacityOf(count: number): number {
  return Math.ceil(count / QUERY_STEP) * QUERY_STEP;
}

/** Places of a list in kernel memory, which looks at them by fours. */
function strideOf(places: number): number {
  return Math.ceil(places / 4) * 4;
}

/** Lists of the rows of the best scores, in kernel memory as `offerTile` has them. */
export class CandidateLists {
  readonly offset: number;
  readonly capacity: number;
  readonly places: number;
  /** Threshold of each list, [capacity]. */
  readonly thresholds: Float32Array;
  readonly #counts: Int32Array;
  readonly #scores: Float32Array;
  readonly #members: Int32Array;

  /** @param region see `candidateListsBytes` */
  constructor(region: Region, count: number, places: number) {
    const capacity = capacityOf(count);
    const values = capacity * strideOf(places);
    this.offset = region.offset;
    this.capacity = capacity;
    this.places = places;
    this.thresholds = region.float32.subarray(0, capacity);
    this.#counts = region.int32.subarray(capacity, 2 * capacity);
    this.#scores = region.float32.subarray(3 * capacity, 3 * capacity + values);
    this.#members = region.int32.subarray(3 * capacity + values, 3 * capacity + 2 * values);
  }

  /** Empties all lists. @param thresholds what scores must be above to be put on each */
  begin(thresholds: Float32Array): void {
    this.thresholds.fill(Number.POSITIVE_INFINITY);
    this.thresholds.set(thresholds);
    this.#counts.fill(0);
    this.#scores.fill(Number.POSITIVE_INFINITY);
  }

  /** Puts rows on the lists that were kept elsewhere. */
  restore({ ids, thresholds }: KeptRows): void {
    this.thresholds.set(thresholds);
    for (const list of thresholds.keys()) {
      const kept = ids.subarray(list * this.places, (list + 1) * this.places);
      const end = kept.indexOf(-1);
      this.#counts[list] = end < 0 ? this.places : end;
      this.#members.set(kept, list * strideOf(this.places));
    }
  }

  /** Hands over every row on the first `count` lists. */
  forEach(count: number, use: (list: number, id: number) => void): void {
    for (let list = 0; list < count; list++) {
      const first = list * strideOf(this.places);
      for (let at = first; at < first + this.#counts[list]!; at++) use(list, this.#members[at]!);
    }
  }

  /** Copies the first `count` lists. */
  candidates(count: number): Candidates {
    const { places } = this;
    const ids = new Int32Array(count * places).fill(-1);
    const scores = new Float32Array(count * places);
    for (let list = 0; list < count; list++) {
      const [first, end] = [list * strideOf(places), list * strideOf(places) + this.#counts[list]!];
      ids.set(this.#members.subarray(first, end), list * places);
      scores.set(this.#scores.subarray(first, end), list * places);
    }
    return { ids, scores, thresholds: this.thresholds.slice(0, count) };
  }
}
