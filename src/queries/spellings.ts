import { decodeByteLevel, decodeSentencePiece } from '../input/tokenizer/token-decoder.js';

/** Ways in which a token can spell a text. */
export const spellings = [
  'as given',
  'with a leading space',
  'without the leading space',
  'as stored',
  'as bytes',
] as const;
/** Way in which a token spells a text. */
export type Spelling = (typeof spellings)[number];

/**
 * Lists the texts of tokens that spell a text, as the tables show them: itself, with a space in front of it or without the
 * one that it has, what it is where a vocabulary's own file writes it so (`\u0120the`, `\u2581the`), and the bytes that it is,
 * as they are shown where they are no character by themselves (`<0xE4><0xB8>`).
 *
 * @returns the way by the text of the token, in the order of `spellings`
 */
export function spellingsOf(text: string): Map<string, Spelling> {
  const ways = new Map<string, Spelling>();
  const add = (spelling: string, how: Spelling) => {
    if (spelling !== '' && !ways.has(spelling)) ways.set(spelling, how);
  };
  add(text, 'as given');
  add(` ${text}`, 'with a leading space');
  if (text.startsWith(' ')) add(text.slice(1), 'without the leading space');
  // A letter such as \u00e9 is itself far more often than the byte for which it stands in a byte-level vocabulary.
  if (/[\u0100-\u0143]/.test(text)) add(decodeByteLevel(text, false), 'as stored');
  add(decodeSentencePiece(text, false), 'as stored');
  add(byteText(text), 'as bytes');
  return ways;
}

function byteText(text: string): string {
  return Array.from(
    Buffer.from(text),
    (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  ).join('');
}
