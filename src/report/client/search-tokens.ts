/** Result of a search. */
export interface Found {
  /** Tokens, the best first, as many as asked for. */
  ids: number[];
  /** Number of all that match. */
  count: number;
}

/**
 * Searches tokens by id, where the query is a number, and by a part of their text, in which spaces count: the token of
 * that id first, then equal texts, texts equal in another case, texts equal but for spaces around, texts that begin
 * with the query after spaces or none, and the others, each by id.
 *
 * @param options how many tokens to give at most, and whether the query must match in upper and lower case
 */
export function searchTokens(
  texts: readonly (string | null)[],
  query: string,
  { most, matchCase }: { most: number; matchCase: boolean },
): Found {
  if (query === '') return { ids: [], count: 0 };
  const folded = (text: string) => (matchCase ? text : text.toLowerCase());
  const wanted = folded(query);
  const id = /^\d+$/.test(query) ? Number(query) : -1;
  const ranked: number[][] = Array.from({ length: 6 }, () => []);
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i];
    if (i === id) ranked[0]!.push(i);
    else if (text !== null && text !== undefined) {
      const compared = folded(text);
      const at = compared.indexOf(wanted);
      if (at < 0) continue;
      if (text === query) ranked[1]!.push(i);
      else if (compared === wanted) ranked[2]!.push(i);
      else if (compared.trim() === wanted) ranked[3]!.push(i);
      else ranked[at <= compared.length - compared.trimStart().length ? 4 : 5]!.push(i);
    }
  }
  const all = ranked.flat();
  return { ids: all.slice(0, most), count: all.length };
}
