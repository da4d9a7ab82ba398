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

  /** Offers all rows on other lists of as many queries, of which none is on these. */
  merge({ ids, values }: NeighbourLists): void {
    const [ownIds, ownValues] = [new Int32Array(this.#k), new Float64Array(this.#k)];
    for (const query of this.#counts.keys()) {
      const first = query * this.#k;
      if (ids[first] === -1) continue;
      const [own, end] = [this.#counts[query]!, first + this.#k];
      ownIds.set(this.#lists.ids.subarray(first, end));
      ownValues.set(this.#lists.values.subarray(first, end));
      let [left, right, at] = [0, first, first];
      for (; at < end; at++) {
        const isOther = right < end && ids[right] !== -1;
        if (!isOther && left === own) break;
        const isOwn =
          left < own && !(isOther && isBefore(values[right]!, ids[right]!, ownValues[left]!, ownIds[left]!));
        this.#lists.ids[at] = isOwn ? ownIds[left]! : ids[right]!;
        this.#lists.values[at] = isOwn ? ownValues[left]! : values[right]!;
        if (isOwn) left++;
        else right++;
      }
      this.#counts[query] = at - first;
    }
  }

  /** Offers a row to a query. */
  offer(query: number, id: number, value: number): void {
    const { ids, values } = this.#lists;
    const first = query * this.#k;
    const count = this.#counts[query]!;
    const last = first + this.#k - 1;
    if (count === this.#k && !isBefore(value, id, values[last]!, ids[last]!)) return;
    let [place, end] = [first, first + count];
    while (place < end) {
      const middle = (place + end) >>> 1;
      if (isBefore(value, id, values[middle]!, ids[middle]!)) end = middle;
      else place = middle + 1;
    }
    // What was last on a full list goes.
    const kept = first + Math.min(count, this.#k - 1);
    ids.copyWithin(place + 1, place, kept);
    values.copyWithin(place + 1, place, kept);
    ids[place] = id;
    values[place] = value;
    if (count < this.#k) this.#counts[query] = count + 1;
  }
}

/** Whether a row comes before another one on a list. */
function isBefore(value: number, id: number, otherValue: number, otherId: number): boolean {
  return value < otherValue || (value === otherValue && id < otherId);
}
