import { type Measure, measures, type Side, sides } from './measures.js';

/** Measure and side of each list of an eigenvector, by its index. */
export const extremeLists = measures.flatMap((measure) => sides.map((side) => ({ measure, side })));

/** Number of lists that an eigenvector has: one a measure and side. */
export const LISTS = extremeLists.length;

/** Index of the list of a measure and side among those of an eigenvector. */
export function listOf(measure: Measure, side: Side): number {
  return measures.indexOf(measure) * sides.length + sides.indexOf(side);
}

/** Best tokens of every eigenvector and list. */
export interface ExtremeLists {
  /** [d, LISTS, top], falling: the values of the '+' lists, the negated values of the '-' lists. */
  keys: Float64Array;
  /** int32 [d, LISTS, top], -1 where a list has ended. */
  tokens: Int32Array;
}

/** Merges the lists of parts; the order of the parts does not matter, because ties go to the lowest token id. */
export class Extremes {
  readonly top: number;
  readonly merged: ExtremeLists;
  readonly #keys: Float64Array;
  readonly #tokens: Int32Array;

  constructor(d: number, top: number) {
    this.top = top;
    this.merged = {
      keys: new Float64Array(d * LISTS * top),
      tokens: new Int32Array(d * LISTS * top).fill(-1),
    };
    this.#keys = new Float64Array(top);
    this.#tokens = new Int32Array(top);
  }

  /** Adds the lists of a part. */
  add(part: ExtremeLists): void {
    for (let start = 0; start < part.tokens.length; start += this.top) this.#mergeList(start, part);
  }

  /** Value at a place (from 0) of a list of eigenvector j, and its token; null where the list is shorter. */
  at(j: number, list: number, place: number): { value: number; token: number } | null {
    const position = (j * LISTS + list) * this.top + place;
    const token = this.merged.tokens[position]!;
    if (token < 0) return null;
    const key = this.merged.keys[position]!;
    return { value: extremeLists[list]!.side === '+' ? key : -key, token };
  }

  #mergeList(start: number, part: ExtremeLists): void {
    const { top, merged } = this;
    const last = start + top - 1;
    // Most lists of a later part have nothing for the merged ones.
    if (!isBefore(part, start, merged, last)) return;
    let mine = start;
    let theirs = start;
    const { keys, tokens } = merged;
    const bestKeys = this.#keys;
    const bestTokens = this.#tokens;
    for (let k = 0; k < top; k++) {
      if (isBefore(part, theirs, merged, mine)) {
        bestKeys[k] = part.keys[theirs]!;
        bestTokens[k] = part.tokens[theirs++]!;
      } else {
        bestKeys[k] = keys[mine]!;
        bestTokens[k] = tokens[mine++]!;
      }
    }
    merged.keys.set(this.#keys, start);
    merged.tokens.set(this.#tokens, start);
  }
}

/** Whether entry i of one list comes before entry k of another: a larger key, or the same and a lower token. */
function isBefore(one: ExtremeLists, i: number, other: ExtremeLists, k: number): boolean {
  if (one.tokens[i]! < 0) return false;
  if (other.tokens[k]! < 0) return true;
  const key = one.keys[i]!;
  const otherKey = other.keys[k]!;
  return key > otherKey || (key === otherKey && one.tokens[i]! < other.tokens[k]!);
}
