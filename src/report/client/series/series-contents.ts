import type { PackedArray } from '../../packed-arrays.js';
import type { SeriesHead } from '../../series/contents.js';
import { decodeTexts } from '../decode-texts.js';
import type { NamedTokens } from '../token-name.js';

/** From where displacements are told. */
export type Start = 'before' | 'first';

/** A token that has moved far, and how far. */
export interface MovedToken {
  token: number;
  norm: number;
  causalNorm: number;
}

/** Contents of the page of a series. */
export class SeriesContents implements NamedTokens {
  readonly head: SeriesHead;
  readonly #arrays: Readonly<Record<string, PackedArray>>;
  readonly texts: readonly (string | null)[];

  constructor(head: SeriesHead, arrays: Readonly<Record<string, PackedArray>>) {
    this.head = head;
    this.#arrays = arrays;
    const texts = new Array<string | null>(head.rows).fill(null);
    const found = decodeTexts(arrays['token.text'] as Uint8Array, arrays['token.text_bytes']!);
    for (const [k, text] of found.entries()) texts[arrays.named![k]!] = text;
    this.texts = texts;
  }

  /** A column of figures, a value a step; NaN where it is not known. */
  figures(column: string): PackedArray {
    const found = this.#arrays[`step.${column}`];
    if (found === undefined) throw new Error(`the page has no figures ${column}`);
    return found;
  }

  /** The tokens that have moved most to a step, the farthest first. */
  moved(step: number, start: Start): MovedToken[] {
    const { places } = this.head;
    const [token, norm, causalNorm] = ['token', 'norm', 'causal_norm'].map((name) =>
      this.#arrays[`moved.${start}.${name}`]!.subarray(step * places, (step + 1) * places),
    ) as [PackedArray, PackedArray, PackedArray];
    return Array.from(token, (id, k) => ({ token: id, norm: norm[k]!, causalNorm: causalNorm[k]! })).filter(
      (found) => found.token >= 0,
    );
  }
}
