/** Neighbours by one measure, nearest first, ties by the lower number. */
export interface NeighbourLists {
  /** Numbers of the rows, int32 [queries, k]; -1 where there are no more. */
  ids: Int32Array;
  /** Their values of the measure, [queries, k]. */
  values: Float64Array;
}

/** Keeps the k nearest rows of every query by exact values, ties by the lower number. */
export class NearestLists {
  readonly #k: number;
  readonly #lists: NeighbourLists;
  readonly #counts: Int32Array;

  constructor(queries: number, k: number) {
    this.#k = k;
    this.#lists = { ids: new Int32Array(queries * k).fill(-1), values: new Float64Array(queries * k) };
    this.#counts = new Int32Array(queries);
  }

  /** The lists, [queries, k]. */
  get lists(): NeighbourLists {
    return this.#lists;
  }

  /** Forgets the list of a query. */
  clear(query: number): void {
    const [first, end] = [query * this.#k, (query + 1) * this.#k];
    this.#lists.ids.fill(-1, first, end);
    this.#lists.values.fill(0, first, end);
    this.#counts[query] = 0;
  }

  /** Value of the last one on a full list; null where there is room. */
  lastValue(query: number): number | null {
    return this.#counts[query] === this.#k ? this.#lists.values[(query + 1) * this.#k - 1]! : null;
  }

  /** Offers all rows on other lists of as many queries. */
  merge({ ids, values }: NeighbourLists): void {
    for (const [at, id] of ids.entries()) if (id >= 0) this.offer(Math.floor(at / this.#k), id, values[at]!);
  }

  /** Offers a row to a query. */
  offer(query: number, id: number, value: number): void {
    const { ids, values } = this.#lists;
    const first = query * this.#k;
    const count = this.#counts[query]!;
    const isBefore = (at: number) => value < values[at]! || (value === values[at]! && id < ids[at]!);
    if (count === this.#k && !isBefore(first + count - 1)) return;
    if (count < this.#k) this.#counts[query] = count + 1;
    let at = first + Math.min(count, this.#k - 1);
    for (; at > first && isBefore(at - 1); at--) {
      values[at] = values[at - 1]!;
      ids[at] = ids[at - 1]!;
    }
    values[at] = value;
    ids[at] = id;
  }
}
