import type { MeasuredNeighbours } from './neighbour-lists.js';

/**
 * How near two tokens are that are nearly one: an angle in radians, or, of distances, a share of the root mean square of the
 * rows' distances from the mean row.
 */
const NEARLY_EQUAL = 0.01;

/** Tokens of one knot. */
export interface Knot {
  /** Rising. */
  tokens: number[];
}

/** The value of a measure up to which two tokens are nearly one. @param rootMeanSquare of the centred norms */
export function knotLimit(isCosine: boolean, rootMeanSquare: number): number {
  return isCosine ? NEARLY_EQUAL ** 2 / 2 : NEARLY_EQUAL * rootMeanSquare;
}

/**
 * Ties tokens to knots: two of them are in one where a chain leads from one to the other, every token of which has the
 * next on its list, no farther than `limit`.
 *
 * @returns int32 [V]: the lowest token of the knot, -1 for one that is in none
 */
export function knotsOf({ ids, values }: MeasuredNeighbours, limit: number): Int32Array {
  const above = Int32Array.from(ids, (_, token) => token);
  const root = (token: number): number => {
    let top = token;
    while (above[top] !== top) top = above[top]!;
    // Shorter for the next one that asks.
    for (let at = token; at !== top; ) {
      const next = above[at]!;
      above[at] = top;
      at = next;
    }
    return top;
  };
  for (const [token, list] of ids.entries()) {
    for (const [place, other] of (list ?? []).entries()) {
      if (values[token]![place]! > limit) break;
      const [a, b] = [root(token), root(other)];
      above[Math.max(a, b)] = Math.min(a, b);
    }
  }
  const sizes = new Int32Array(ids.length);
  for (let token = 0; token < ids.length; token++) sizes[root(token)]!++;
  return above.map((_, token) => (sizes[root(token)]! > 1 ? root(token) : -1));
}

/** Lists the knots, the largest first, those of a size by their lowest token. */
export function listKnots(knots: Int32Array): Knot[] {
  const tokens = new Map<number, number[]>();
  for (const [token, knot] of knots.entries()) {
    if (knot < 0) continue;
    const known = tokens.get(knot);
    if (known === undefined) tokens.set(knot, [token]);
    else known.push(token);
  }
  return [...tokens.values()]
    .sort((a, b) => b.length - a.length || a[0]! - b[0]!)
    .map((members) => ({ tokens: members }));
}
