import type { Backend } from '../backend/backend.js';
import type { Matrix } from '../matrix.js';
import { multiplied, squaredNorm, transposeOf } from '../matrix-products.js';

/**
 * Linear CKA of two sets of centred rows, ||X||_F^2 / (||C_A||_F ||C_B||_F).
 *
 * @param x A^T B / n, [d, d']
 */
export function linearCka(x: Matrix<Float64Array>, a: Matrix<Float64Array>, b: Matrix<Float64Array>): number {
  const [ofA, ofB] = [squaredNorm(a), squaredNorm(b)];
  // In this order it is exactly 1 of equal sets, and does not overflow.
  return atMostOne((squaredNorm(x) / ofA) * (Math.sqrt(ofA) / Math.sqrt(ofB)));
}

/** A similarity, which Cauchy and Schwarz let be 1 at most: of sets that hardly differ, rounding alone can exceed that. */
function atMostOne(value: number): number {
  return Math.min(value, 1);
}

/** Directions along which rows vary: U D^-1/2 of C = U D U^T, without those of rounding errors. */
export interface Whitening {
  /** [d, rank] */
  matrix: Matrix<Float64Array>;
  rank: number;
}

/** Finds the whitening of a covariance [d, d]. */
export async function whiteningOf(c: Matrix<Float64Array>, backend: Backend): Promise<Whitening> {
  const d = c.rows;
  const { eigenvalues, eigenvectors } = await backend.eigh(c.values, d);
  const least = d * Number.EPSILON * eigenvalues[d - 1]!;
  const kept = [...eigenvalues.keys()].filter((j) => eigenvalues[j]! > least);
  const values = new Float64Array(d * kept.length);
  for (let i = 0; i < d; i++)
    for (const [k, j] of kept.entries())
      values[i * kept.length + k] = eigenvectors[i * d + j]! / Math.sqrt(eigenvalues[j]!);
  return { matrix: { values, rows: d, columns: kept.length }, rank: kept.length };
}

/**
 * Causal CKA, ||C_A^-1/2 X C_B^-1/2||_F^2 / sqrt(r r') of the ranks r and r' of both covariances: of equal ranks the mean
 * squared canonical correlation.
 *
 * @param x A^T B / n, [d, d']
 */
export async function causalCka(
  x: Matrix<Float64Array>,
  a: Whitening,
  b: Whitening,
  backend: Backend,
): Promise<number> {
  const half = await multiplied(transposeOf(a.matrix), x, backend);
  return atMostOne(squaredNorm(await multiplied(half, b.matrix, backend)) / Math.sqrt(a.rank * b.rank));
}
