/** Unit roundoff of float32. */
const ROUNDOFF = 2 ** -24;

/** Float64 epsilon with a margin of four for what stands around the sums of d terms. */
const EXACT_ROUNDOFF = 2 ** -50;

/**
 * Relative error of a product of two unit vectors in float32, and of a score that is made of it.
 *
 * A sum of d products, in whatever order it is taken, is off by gamma_d = d u / (1 - d u) of the sum of their absolute
 * values (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., (3.5)), which is 1 at most for unit vectors.
 * Rounding their coordinates to float32 adds 2 u, scale and factor with their products 4 u, the offset and the last sum
 * another 3 u; 7 u are to spare, for second-order terms and for norms that are float64 themselves.
 *
 * @param d length of the vectors
 */
export function scoreError(d: number): number {
  const n = (d + 16) * ROUNDOFF;
  return n / (1 - n);
}

/** Absolute error where products are so small that float32, on a device that knows no subnormal numbers, loses them. */
function lostProducts(d: number): number {
  return (d + 4) * 2 ** -126;
}

/**
 * Bound of the error of a cosine: the product in float32 of two unit vectors that were rounded to it, beside the cosine that
 * float64 gives.
 *
 * @param d length of the vectors
 */
export function cosineError(d: number): number {
  return scoreError(d) + lostProducts(d) + d * EXACT_ROUNDOFF;
}

/**
 * The value of a measure by the sum of squared differences, in float64: the distance is its root, and 1 - cosine, of the
 * differences of unit vectors, half of it. What their rounding leaves of two vectors of one direction is 0: norms are off by
 * (d / 2 + 2) u at most, u = 2^-53, and coordinates by 2 u more.
 *
 * @param measure of vectors of length d
 */
export function measureValue({ isCosine, d }: { isCosine: boolean; d: number }, squares: number): number {
  if (!isCosine) return Math.sqrt(squares);
  return squares <= ((d + 8) * 2 ** -53) ** 2 ? 0 : squares / 2;
}

/** Query, and the exact value that is asked about. */
export interface AskedValue {
  isCosine: boolean;
  /** Length d of the vectors. */
  d: number;
  /** Value of the measure in float64. */
  value: number;
  /** Norm of the query, as a share of the largest norm of all rows. */
  share: number;
  /** The largest norm. */
  largest: number;
}

/**
 * The score that every row reaches which is as near to a query as a value of the measure, or nearer.
 *
 * Scores are upper bounds but for what depends on the query alone. With a row of norm a, a query of norm b (both as shares
 * of the largest norm) and the cosine c between them, half of b^2 - distance^2 is a b c - a^2 / 2; the product is off by
 * gamma a b <= gamma (a^2 + b^2) / 2, of which `offsetOf` has added the part of the row.
 */
export function scoreReached({ isCosine, d, value, share, largest }: AskedValue): number {
  if (isCosine) return 1 - value - cosineError(d);
  const [square, own] = [(value / largest) ** 2, share ** 2];
  const rounding = (scoreError(d) * own) / 2 + lostProducts(d) + (d + 8) * EXACT_ROUNDOFF * (own + square);
  return (own - square) / 2 - rounding;
}

/** What is added to a row's product with a query: see `scoreReached`. @param share the row's norm, of the largest */
export function offsetOf(isCosine: boolean, d: number, share: number): number {
  return isCosine ? 0 : (-(1 - scoreError(d)) * share ** 2) / 2;
}

/** The largest float32 that is not above a number. */
export function roundDown(value: number): number {
  const rounded = Math.fround(value);
  if (rounded <= value || Number.isNaN(value)) return rounded;
  const bits = new Int32Array(Float32Array.of(rounded).buffer);
  bits[0]! += rounded > 0 ? -1 : 1;
  return new Float32Array(bits.buffer)[0]!;
}
