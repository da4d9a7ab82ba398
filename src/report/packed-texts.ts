import { NO_TEXT } from './contents.js';
import type { PackedArray } from './packed-arrays.js';

/** Texts of tokens as arrays of a page: `token.text`, UTF-8 of all, and `token.text_bytes`, the length of each. */
export function packedTexts(texts: ArrayLike<unknown>): Record<string, PackedArray> {
  const encoded = Array.from(texts, (text) => (typeof text === 'string' ? Buffer.from(text) : null));
  return {
    'token.text': new Uint8Array(Buffer.concat(encoded.filter((bytes) => bytes !== null))),
    'token.text_bytes': Int32Array.from(encoded, (bytes) => bytes?.length ?? NO_TEXT),
  };
}
