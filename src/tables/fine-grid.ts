/**
 * Bins of a fine histogram of one column, of its z_ij. Its grid is found from the data, yet the same for any
 * partitioning: bins are [k 2^e, (k + 1) 2^e) with the smallest e for which FINE_BINS of them hold all values. So two
 * histograms of parts of a column merge exactly, and binning, a product with a power of two, is exact as well but for
 * the rounding of z itself.
 */
export const FINE_BINS = 512;

/**
 * Largest error of a quantile from a fine histogram, in units of the column's maximum - minimum: one bin. With bins
 * half as wide the values would not have fit, so (FINE_BINS - 1) / 2 bins lie between them.
 */
export const QUANTILE_ERROR = 2 / (FINE_BINS - 1);

/** Grid of a fine histogram: bins [k 2^e, (k + 1) 2^e). */
export interface FineGrid {
  /** Exponent e. */
  exponent: number;
  /** Index k of the first bin. */
  origin: number;
  /** Number of bins up to the one of the maximum: those behind hold nothing. */
  used: number;
}

/** Bits of k at most, which must be an int32: finer bins than the last bit of a float32 tell nothing more. */
const MAX_BITS = 28;

/**
 * Finds the grid of values between `minimum` and `maximum`.
 * @throws RangeError where one of them is not finite, which no grid holds
 */
export function fineGrid(minimum: number, maximum: number): FineGrid {
  if (!Number.isFinite(minimum) || !Number.isFinite(maximum)) {
    throw new RangeError(`fineGrid: no grid holds values from ${minimum} to ${maximum}`);
  }
  const magnitude = Math.max(Math.abs(minimum), Math.abs(maximum), MIN_MAGNITUDE);
  let exponent = Math.floor(Math.log2(magnitude)) - MAX_BITS;
  const range = maximum - minimum;
  // No finer grid fits.
  if (range > 0) exponent = Math.max(exponent, Math.floor(Math.log2(range / FINE_BINS)));
  while (!fits(minimum, maximum, exponent)) exponent++;
  const origin = binOf(minimum, exponent);
  return { exponent, origin, used: binOf(maximum, exponent) - origin + 1 };
}

/** Index k of the bin that a value lies in. */
export function binOf(value: number, exponent: number): number {
  return Math.floor(value * inversePowers[exponent - MIN_EXPONENT]!);
}

/** Bits by which k of a bin on one grid is shifted to k of the bin of a coarser one that holds it. */
export function shiftBetween(exponent: number, coarser: number): number {
  // k has fewer than 31 bits: 31 are as good as all.
  return Math.min(31, coarser - exponent);
}

function fits(minimum: number, maximum: number, exponent: number): boolean {
  return binOf(maximum, exponent) - binOf(minimum, exponent) < FINE_BINS;
}

/** Magnitude far below every value that is not zero, and far above where powers of two end. */
const MIN_MAGNITUDE = 2 ** -600;

/** Smallest exponent that a grid can have. */
const MIN_EXPONENT = -700;
/** Powers 2^-e of every exponent, ready because grids are found for every column of every partition. */
const inversePowers = Float64Array.from({ length: 1701 }, (_, k) => 2 ** -(MIN_EXPONENT + k));
