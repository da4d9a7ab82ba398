import { measures, sides } from './measures.js';

/** The lists of one eigenvector, in the order of the table. */
export const extremeLists = measures.flatMap((measure) => sides.map((side) => ({ measure, side })));

/** How many lists an eigenvector has. */
export const LISTS = extremeLists.length;

/**
 * The best tokens of every eigenvector and list: keys [d, LISTS, top], falling, are the values of the '+' lists and the
 * negated values of the '-' lists; tokens [d, LISTS, top] are -1 where a list has ended.
 */
export interface ExtremeLists {
  keys: Float64Array;
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

  add({ keys, tokens }: ExtremeLists): void {
    for (let start = 0; start < tokens.length; start += this.top) this.#mergeList(start, keys, tokens);
  }

  /** The value at a place (from 0) of a list of eigenvector j, and its token; null where the list is shorter. */
  at(j: number, list: number, place: number): { value: number; token: number } | null {
    const position = (j * LISTS + list) * this.top + place;
    const token = this.merged.tokens[position]!;
    if (token < 0) return null;
    const key = this.merged.keys[position]!;
    return { value: extremeLists[list]!.side === '+' ? key : -key, token };
  }

  /** Puts the last key of every full list into `keys` [d, LISTS]; others stay as they are. */
  lastKeys(keys: Float64Array): void {
    for (let list = 0; list < keys.length; list++) {
      const last = list * this.top + this.top - 1;
      if (this.merged.tokens[last]! >= 0) keys[list] = this.merged.keys[last]!;
    }
  }

  #mergeList(start: number, keys: Float64Array, tokens: Int32Array): void {
    const { top, merged } = this;
    const last = start + top - 1;
    // Most lists of a later part have nothing for the merged ones.
    if (!isBefore(keys, tokens, start, merged.keys, merged.tokens, last)) return;
    let mine = start;
    let theirs = start;
    for (let k = 0; k < top; k++) {
      const takeTheirs = isBefore(keys, tokens, theirs, merged.keys, merged.tokens, mine);
      this.#keys[k] = takeTheirs ? keys[theirs]! : merged.keys[mine]!;
      this.#tokens[k] = takeTheirs ? tokens[theirs++]! : merged.tokens[mine++]!;
    }
    merged.keys.set(this.#keys, start);
    merged.tokens.set(this.#tokens, start);
  }
}

/** Whether entry i of one list comes before entry k of another: a larger key, or the same and a lower token. */
function isBefore(
  keys: Float64Array,
  tokens: Int32Array,
  i: number,
  otherKeys: Float64Array,
  otherTokens: Int32Array,
  k: number,
): boolean {
  if (tokens[i]! < 0) return false;
  if (otherTokens[k]! < 0) return true;
  return keys[i]! > otherKeys[k]! || (keys[i] === otherKeys[k] && tokens[i]! < otherTokens[k]!);
}
