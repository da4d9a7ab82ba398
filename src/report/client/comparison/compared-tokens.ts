import type { ComparisonHead } from '../../comparison/contents.js';
import type { PackedArray } from '../../packed-arrays.js';
import { decodeTexts } from '../decode-texts.js';
import type { NamedTokens } from '../token-name.js';

/** Contents of the page of a comparison. */
export class ComparedTokens implements NamedTokens {
  readonly head: ComparisonHead;
  readonly #arrays: Readonly<Record<string, PackedArray>>;
  readonly texts: readonly (string | null)[];

  constructor(head: ComparisonHead, arrays: Readonly<Record<string, PackedArray>>) {
    this.head = head;
    this.#arrays = arrays;
    this.texts = decodeTexts(arrays['token.text'] as Uint8Array, arrays['token.text_bytes']!);
  }

  /** Array of the page by its name; null where that is not known of these runs. */
  array(name: string): PackedArray | null {
    return this.#arrays[name] ?? null;
  }

  /** Figure of a token, NaN where it is not known. */
  figure(name: string, token: number): number {
    return this.array(`token.${name}`)?.[token] ?? Number.NaN;
  }
}
