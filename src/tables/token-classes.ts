/**
 * What a token is to a text, by the tokenizer alone:
 *
 *   reachable      its text is encoded as the token, by itself or behind another character; a piece that goes on a word, behind a letter
 *   unreachable    its text is encoded as other tokens
 *   special        stands for no text, or for whatever the vocabulary lacks
 *   partial UTF-8  its bytes are a part of characters
 *   byte fallback  stands for a byte where nothing else fits
 *   orphan         a row without a token
 *   unknown        its text cannot be encoded here
 */
export const tokenClasses = [
  'unknown',
  'reachable',
  'unreachable',
  'special',
  'partial UTF-8',
  'byte fallback',
  'orphan',
] as const;
/** What a token is to a text. */
export type TokenClass = (typeof tokenClasses)[number];

/** The classes of all tokens, as indices of `tokenClasses`, and what is known beside them. */
export interface ClassifiedTokens {
  /** [V] */
  classes: Uint8Array;
  /** What the texts of unreachable tokens are encoded as, by token. */
  encodings: ReadonlyMap<number, readonly number[]>;
}

/** Class of a token. */
export function classOf({ classes }: Pick<ClassifiedTokens, 'classes'>, token: number): TokenClass {
  return tokenClasses[classes[token]!]!;
}
