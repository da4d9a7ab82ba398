/** What texts are looked up in, [V] each. */
export interface NamedTokens {
  /** Texts of the tokens. */
  texts: ArrayLike<unknown>;
  /** True for a token that stands for one byte where nothing else fits; null where that is not known. */
  isByte: ArrayLike<unknown> | null;
}

/**
 * Finds the tokens of texts.
 *
 * @returns ids of each text that a token has, ascending, those of bytes last: `<0x41>` has the text of the token `A`, and is
 *   taken where there is no such token alone
 */
export function idsOfTexts(
  { texts, isByte }: NamedTokens,
  wanted: { has(text: unknown): boolean },
): Map<unknown, number[]> {
  const ids = new Map<unknown, number[]>();
  for (const areBytes of [false, true])
    for (let id = 0; id < texts.length; id++) {
      if ((isByte?.[id] === true) !== areBytes || !wanted.has(texts[id])) continue;
      const found = ids.get(texts[id]);
      if (found === undefined) ids.set(texts[id], [id]);
      else found.push(id);
    }
  return ids;
}
