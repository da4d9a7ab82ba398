import type { Matrix } from '../linalg/matrix.js';
import { paddedLength } from '../linalg/product-shapes.js';
import { transposed } from '../linalg/transpose.js';

/** Eigenvectors in float64, as they are stored, and how far their rounding errors can add up. */
export interface StoredVectors {
  /** V^T, [d, d or a few more]: row j is the eigenvector j, and what lies beyond d is zero. */
  rows: Matrix<Float64Array>;
  d: number;
  /** q_j of each vector, [d]: the squares of its sums over entries that are rounded alike, summed, and the root of that. */
  spreads: Float64Array;
  /** Mean over the vectors of q_j^2 in units of what it were if no two entries were rounded alike, at least 1. */
  inflation: number;
}

/** Classes that digits are dealt to, for each entry of a vector: where two share one by chance, a spread is only larger. */
const CLASSES_PER_ENTRY = 4;

/** Odd multiplier by which digits are dealt to classes (Knuth's multiplicative hashing). */
const MULTIPLIER = 0x9e3779b1;

/** Lays out eigenvectors for the checks, and measures them. @param eigenvectors V, [d, d] float32 row-major */
export function storedVectors(eigenvectors: Float32Array, d: number): StoredVectors {
  const columns = paddedLength(d);
  const rows = { values: transposed(eigenvectors, d, columns), rows: d, columns };
  return { rows, d, ...spreadsOf(rows, d) };
}

/**
 * Measures vectors of norm 1 for what rounding to float32 does to their products. Entries with the same digits, whatever
 * their signs and powers of two, are rounded by the same relative error; all others are independent. So the relative errors e
 * move sum_k v_k^2 e_k by a variance of sum over the digits of (the sum of their v_k^2)^2, times that of e: between 1 / d and
 * 1, which (1, ..., 1) / sqrt(d) has.
 */
function spreadsOf(
  { values, columns }: Matrix<Float64Array>,
  d: number,
): Pick<StoredVectors, 'spreads' | 'inflation'> {
  const bits = Math.ceil(Math.log2(CLASSES_PER_ENTRY * d));
  const sums = new Float64Array(2 ** bits);
  // The high word of an entry comes second.
  const words = new Uint32Array(values.buffer);
  const spreads = new Float64Array(d);
  let inflation = 0;
  for (let j = 0; j < d; j++) {
    sums.fill(0);
    let [apart, together] = [0, 0];
    for (let k = j * columns; k < j * columns + d; k++) {
      const square = values[k]! * values[k]!;
      // The 23 bits that a float32 has behind its first.
      const digits = ((words[2 * k + 1]! & 0xf_ffff) << 3) | (words[2 * k]! >>> 29);
      const at = Math.imul(digits, MULTIPLIER) >>> (32 - bits);
      const sum = sums[at]!;
      sums[at] = sum + square;
      // By so much the square of the sum grows. Not square ** 2, which is many times slower.
      together += square * (2 * sum + square);
      apart += square * square;
    }
    spreads[j] = Math.sqrt(together);
    inflation += together / apart / d;
  }
  return { spreads, inflation };
}
