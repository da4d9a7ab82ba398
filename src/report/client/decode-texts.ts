import { NO_TEXT } from '../contents.js';
import type { PackedArray } from '../packed-arrays.js';

/**
 * Texts of tokens, null where one has none.
 *
 * @param bytes UTF-8 of all texts
 * @param lengths of each, or NO_TEXT
 */
export function decodeTexts(bytes: Uint8Array, lengths: PackedArray): (string | null)[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let offset = 0;
  return Array.from(lengths, (length) => {
    if (length === NO_TEXT) return null;
    const text = decoder.decode(bytes.subarray(offset, offset + length));
    offset += length;
    return text;
  });
}
