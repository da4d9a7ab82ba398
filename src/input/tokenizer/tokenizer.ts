/** A checkpoint's tokenizer, as far as it speaks of tokens. It tokenises nothing. */
export interface Tokenizer {
  /** The highest token id + 1, over the model's vocabulary and the added tokens. */
  tokens: number;
  /** Remarks for a user. */
  notes: readonly string[];
  /** True for the id of a token. */
  has(id: number): boolean;
  /**
   * Gives what the token decodes to by itself: a space in front is kept, bytes that are no character by themselves are
   * shown as `<0xE4><0xB8>`. Null where the tokenizer has no token of this id, or a decoder that is not known here.
   */
  text(id: number): string | null;
  /** True for a token that stands for no text: the end of a text, a turn of a conversation. */
  isSpecial(id: number): boolean;
  /** True for a token that stands for one byte where nothing else fits: `<0xE4>` in a vocabulary with such a fallback. */
  isByte(id: number): boolean;
  /** True for a token whose bytes are a part of characters, so that no text has them alone. */
  isPartial(id: number): boolean;
}
