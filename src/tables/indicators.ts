/** Indicators of some tokens, [tokens] each; NaN where they are not defined. */
export interface TokenIndicators {
  /** 1 - cos with the mean of the reference. */
  a: Float64Array;
  /** The same without the first direction. */
  b: Float64Array;
  /** The same without the mean row. */
  c: Float64Array;
  /** Euclidean distance to the mean of the reference. */
  d: Float64Array;
  /** Distance to it in M. */
  causalDistance: Float64Array;
}

/** Names of the indicators, in the order of their columns. */
export const indicatorNames = ['a', 'b', 'c', 'd', 'causalDistance'] as const;

/** Makes the indicators of `count` tokens, all 0. */
export function emptyIndicators(count: number): TokenIndicators {
  const [a, b, c, d, causalDistance] = indicatorNames.map(() => new Float64Array(count));
  return { a: a!, b: b!, c: c!, d: d!, causalDistance: causalDistance! };
}
