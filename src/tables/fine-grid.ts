/**
 * Bins of a fine histogram of one column, of its z_ij. Its grid is found from the data, yet the same for any partitioning: bins
 * are [k 2^e, (k + 1) 2^e) with the smallest e for which FINE_BINS of them hold all values. So two histograms of parts
 * of a column merge exactly, and binning, a product with a power of two, is exact as well but for the rounding of z itself.
 */
export const FINE_BINS = 512;

/**
 * How far a quantile from such a histogram may be from the column's, in units of maximum - minimum: one bin. With bins
 * half as wide the values would not have fit, so (FINE_BINS - 1) / 2 bins lie between them.
 */
export const QUANTILE_ERROR = 2 / (FINE_BINS - 1);

export interface FineGrid {
  /** e */
  exponent: number;
  /** k of the first bin. */
  origin: number;
  /** Bins up to the one of the maximum: those behind hold nothing. */
  used: number;
}

/** Bins below the last bit of the largest value, a float32 times a constant, tell nothing more, and k must be an int32. */
const MAX_BITS = 28;

/** The grid of values between `minimum` and `maximum`. */
export function fineGrid(minimum: number, maximum: number): FineGrid {
  const magnitude = Math.max(Math.abs(minimum), Math.abs(maximum), MIN_MAGNITUDE);
  let exponent = Math.floor(Math.log2(magnitude)) - MAX_BITS;
  const range = maximum - minimum;
  // No finer grid fits.
  if (range > 0) exponent = Math.max(exponent, Math.floor(Math.log2(range / FINE_BINS)));
  while (!fits(minimum, maximum, exponent)) exponent++;
  const origin = binOf(minimum, exponent);
  return { exponent, origin, used: binOf(maximum, exponent) - origin + 1 };
}

/** k of the bin that a value lies in. */
export function binOf(value: number, exponent: number): number {
  return Math.floor(value * inversePowers[exponent - MIN_EXPONENT]!);
}

/** By how many bits k of a bin on one grid is shifted to k of the bin of a coarser one that holds it. */
export function shiftBetween(exponent: number, coarser: number): number {
  // k has fewer than 31 bits: 31 are as good as all.
  return Math.min(31, coarser - exponent);
}

function fits(minimum: number, maximum: number, exponent: number): boolean {
  return binOf(maximum, exponent) - binOf(minimum, exponent) < FINE_BINS;
}

/** Far below every value that is not zero, and far above where powers of two end. */
const MIN_MAGNITUDE = 2 ** -600;

/** 2^-e of every e that there can be, because grids are found for every column of every partition. */
const MIN_EXPONENT = -700;
const inversePowers = Float64Array.from({ length: 1701 }, (_, k) => 2 ** -(MIN_EXPONENT + k));
