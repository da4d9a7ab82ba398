/** Directions [first, first + count) of an eigenbasis, by index. */
export interface Band {
  first: number;
  count: number;
}

/** Bands that a map of two eigenbases has on each side at most. */
export const MAP_BANDS = 64;

/** Bands whose share of every token's displacement is told. */
export const SHARE_BANDS = 8;

/** Divides d directions into bands of about one size, at most `most` of them, none of which is empty. */
export function equalBands(d: number, most: number): Band[] {
  const bands = Math.min(d, most);
  const start = (band: number) => Math.floor((band * d) / bands);
  return Array.from({ length: bands }, (_, band) => ({
    first: start(band),
    count: start(band + 1) - start(band),
  }));
}

/** Sizes of the subspaces at both ends of an eigenbasis that are compared. */
const END_SIZES = [1, 4, 16, 64, 256];

/** Bands at both ends of d directions: the first ones have the largest variances, the last ones the smallest. */
export function endBands(d: number): { kind: 'first' | 'last'; band: Band }[] {
  const sizes = END_SIZES.filter((size) => size < d);
  return [
    ...sizes.map((count) => ({ kind: 'first' as const, band: { first: 0, count } })),
    ...sizes.map((count) => ({ kind: 'last' as const, band: { first: d - count, count } })),
  ];
}
