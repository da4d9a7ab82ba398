/** Result of a search. */
export interface Found {
  /** Tokens, the best first, as many as asked for. */
  ids: number[];
  /** Number of all that match. */
  count: number;
}

/**
 * Searches tokens by id, where the query is a number, and by a part of their text in any case: the token of that id
 * first, then equal texts, then those that begin with the query, then the others, by id. Spaces around count for
 * nothing: most tokens begin with one.
 */
export function searchTokens(texts: readonly (string | null)[], query: string, most: number): Found {
  const wanted = query.trim().toLowerCase();
  if (wanted === '') return { ids: [], count: 0 };
  const ranked: [number[], number[], number[], number[]] = [[], [], [], []];
  const id = /^\d+$/.test(wanted) ? Number(wanted) : -1;
  for (let i = 0; i < texts.length; i++) {
    if (i === id) ranked[0].push(i);
    else if (texts[i] !== null) {
      const text = texts[i]!.trim().toLowerCase();
      const at = text.indexOf(wanted);
      if (at >= 0) ranked[at > 0 ? 3 : text.length > wanted.length ? 2 : 1].push(i);
    }
  }
  const all = ranked.flat();
  return { ids: all.slice(0, most), count: all.length };
}
