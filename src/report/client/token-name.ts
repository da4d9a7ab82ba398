import { visibleText } from '../../text/visible-text.js';

/** Tokens whose names are asked for. */
export interface NamedTokens {
  /** Texts of all, null where a token has none. */
  readonly texts: readonly (string | null)[];
}

/** Sign that stands for a space: at the edge of a text a space is not to be seen. */
const SPACE_SIGN = '␣';
/** Characters of a name in a list at most; some tokens are hundreds of spaces or dashes. */
const MOST_SHOWN = 60;

/** Text of a token in quotes with nothing invisible in it, or its id where it has none. */
export function tokenName(tokens: NamedTokens, id: number): string {
  const text = tokens.texts[id];
  return text === null || text === undefined ? `token ${id}` : shownText(text);
}

/** Text of a token in quotes as a file has it, with escapes but with plain spaces; empty where it has none. */
export function savedName(tokens: NamedTokens, id: number): string {
  const text = tokens.texts[id];
  return text === null || text === undefined ? '' : visibleText(text);
}

/** Text in quotes; spaces stand as signs, control characters as escapes of JavaScript. */
export function shownText(text: string): string {
  return visibleText(text).replaceAll(SPACE_SIGN, '\\u{2423}').replaceAll(' ', SPACE_SIGN);
}

/** Name, cut where it would fill a list alone. */
export function shortened(name: string): string {
  const characters = Array.from(name);
  return characters.length <= MOST_SHOWN ? name : `${characters.slice(0, MOST_SHOWN - 1).join('')}…`;
}

/** Text that a reader has typed as names show it: with escapes, and signs for spaces or spaces. */
export function typedText(typed: string): string {
  const plain = typed.replaceAll(SPACE_SIGN, ' ');
  return plain.replace(/\\(?:u\{([0-9a-f]{1,6})\}|([nrt"\\]))/gi, (whole, hexadecimal, letter) => {
    if (hexadecimal === undefined) return letters[letter] ?? whole;
    const code = Number.parseInt(hexadecimal, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

const letters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };
