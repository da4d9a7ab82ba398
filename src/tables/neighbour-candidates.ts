/** Rows that may be the nearest of some queries by one measure, in no order, as scores of products in float32 tell. */
export interface KeptRows {
  /** Numbers of the rows, int32 [queries, places]; -1 where there are fewer. */
  ids: Int32Array;
  /** What no row that was passed over has a score above, float32 [queries]; -infinity where none was. */
  thresholds: Float32Array;
}

/** Rows that may be the nearest among some. */
export interface Candidates extends KeptRows {
  /** Scores of the rows, float32 [queries, places]: the higher, the nearer. */
  scores: Float32Array;
}

/** Keeps the rows of the best scores of every query, of those that were found among one part of all rows after the other. */
export class MergedCandidates {
  readonly #places: number;
  readonly #ids: Int32Array;
  readonly #scores: Float32Array;
  readonly #thresholds: Float32Array;
  readonly #counts: Int32Array;

  /** @param places rows that are kept of every query */
  constructor(queries: number, places: number) {
    this.#places = places;
    this.#ids = new Int32Array(queries * places).fill(-1);
    this.#scores = new Float32Array(queries * places);
    this.#thresholds = new Float32Array(queries).fill(Number.NEGATIVE_INFINITY);
    this.#counts = new Int32Array(queries);
  }

  /** Adds what was found of the queries from `first` on; what is kept does not depend on the order of such calls. */
  add(first: number, { ids, scores, thresholds }: Candidates): void {
    const places = this.#places;
    for (const [k, threshold] of thresholds.entries()) {
      const query = first + k;
      this.#raise(query, threshold);
      for (let at = k * places; at < (k + 1) * places && ids[at]! >= 0; at++)
        this.#offer(query, ids[at]!, scores[at]!);
    }
  }

  /** What is kept of queries [first, first + count). */
  slice(first: number, count: number): KeptRows {
    return {
      ids: this.#ids.slice(first * this.#places, (first + count) * this.#places),
      thresholds: this.#thresholds.slice(first, first + count),
    };
  }

  /** Scores that as many rows as are kept have at least, of queries [first, first + count): -infinity where there are fewer. */
  floors(first: number, count: number): Float32Array {
    return Float32Array.from({ length: count }, (_, k) => {
      const isFull = this.#counts[first + k] === this.#places;
      return isFull ? this.#scores[(first + k) * this.#places]! : Number.NEGATIVE_INFINITY;
    });
  }

  #raise(query: number, score: number): void {
    if (score > this.#thresholds[query]!) this.#thresholds[query] = score;
  }

  /** Puts a row on the list of a query: a heap, whose first row is the one that goes first. */
  #offer(query: number, id: number, score: number): void {
    const first = query * this.#places;
    const count = this.#counts[query]!;
    if (count < this.#places) {
      this.#counts[query] = count + 1;
      this.#rise(first, count, id, score);
      return;
    }
    if (!goesBefore(this.#scores[first]!, this.#ids[first]!, score, id)) {
      this.#raise(query, score);
      return;
    }
    this.#raise(query, this.#scores[first]!);
    this.#sink(first, id, score);
  }

  /** Puts a row at the end of a heap, and lets it rise to its place. */
  #rise(first: number, end: number, id: number, score: number): void {
    let at = end;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!goesBefore(score, id, this.#scores[first + parent]!, this.#ids[first + parent]!)) break;
      this.#set(first + at, this.#ids[first + parent]!, this.#scores[first + parent]!);
      at = parent;
    }
    this.#set(first + at, id, score);
  }

  /** Puts a row in the place of the first one of a full heap, and lets it sink to its own. */
  #sink(first: number, id: number, score: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#places) break;
      const [left, right] = [first + child, first + child + 1];
      const isRight =
        child + 1 < this.#places &&
        goesBefore(this.#scores[right]!, this.#ids[right]!, this.#scores[left]!, this.#ids[left]!);
      if (isRight) child++;
      if (!goesBefore(this.#scores[first + child]!, this.#ids[first + child]!, score, id)) break;
      this.#set(first + at, this.#ids[first + child]!, this.#scores[first + child]!);
      at = child;
    }
    this.#set(first + at, id, score);
  }

  #set(at: number, id: number, score: number): void {
    this.#ids[at] = id;
    this.#scores[at] = score;
  }
}

/** Whether a row goes before another one where there is no room for both: that of the lower score, then of the higher number. */
function goesBefore(score: number, id: number, otherScore: number, otherId: number): boolean {
  return score < otherScore || (score === otherScore && id > otherId);
}

/** Joins what was found of blocks of queries that follow each other. */
export function joinedCandidates(parts: readonly Candidates[]): Candidates {
  const queries = parts.reduce((sum, { thresholds }) => sum + thresholds.length, 0);
  const places = parts[0]!.ids.length / parts[0]!.thresholds.length;
  const joined = {
    ids: new Int32Array(queries * places),
    scores: new Float32Array(queries * places),
    thresholds: new Float32Array(queries),
  };
  let first = 0;
  for (const { ids, scores, thresholds } of parts) {
    joined.ids.set(ids, first * places);
    joined.scores.set(scores, first * places);
    joined.thresholds.set(thresholds, first);
    first += thresholds.length;
  }
  return joined;
}
