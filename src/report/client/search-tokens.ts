export interface Found {
  /** The best first, as many as asked for. */
  ids: number[];
  /** All that match. */
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
  const places: [number[], number[], number[], number[]] = [[], [], [], []];
  const id = /^\d+$/.test(wanted) ? Number(wanted) : -1;
  for (let i = 0; i < texts.length; i++) {
    if (i === id) places[0].push(i);
    else if (texts[i] !== null) {
      const text = texts[i]!.trim().toLowerCase();
      const at = text.indexOf(wanted);
      if (at >= 0) places[at > 0 ? 3 : text.length > wanted.length ? 2 : 1].push(i);
    }
  }
  const all = places.flat();
  return { ids: all.slice(0, most), count: all.length };
}
