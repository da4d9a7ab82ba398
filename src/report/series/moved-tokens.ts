import type { DisplacementPart } from '../../tables/displacement-part.js';
import type { TokenWays } from '../../tables/series-token-table.js';
import { largestTokens } from '../largest-tokens.js';

/** Tokens that a list of the page holds at most. */
export const MOST_MOVED = 25;

/** Tokens that have moved most on the way to a step, the farthest first, with what they have moved. */
export interface MovedList {
  tokens: number[];
  norm: number[];
  causalNorm: number[];
}

/** The tokens that have moved most to a step, from the step before, which the first has not, and from the first. */
export interface MovedTokens {
  fromBefore: MovedList;
  fromFirst: MovedList;
}

/** Finds the tokens that have moved most to a step in the metric of where they come from; of none that stayed is told. */
export function mostMoved({ fromBefore, fromFirst }: TokenWays): MovedTokens {
  return { fromBefore: farthest(fromBefore), fromFirst: farthest(fromFirst) };
}

function farthest(part: DisplacementPart | null): MovedList {
  if (part === null) return { tokens: [], norm: [], causalNorm: [] };
  const tokens = largestTokens(part.causalNorm, MOST_MOVED).filter((token) => part.norm[token]! > 0);
  return {
    tokens,
    norm: tokens.map((token) => part.norm[token]!),
    causalNorm: tokens.map((token) => part.causalNorm[token]!),
  };
}
