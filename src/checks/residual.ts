import type { Multiplication } from '../linalg/backend/backend.js';
import type { Matrix } from '../linalg/matrix.js';
import { blockOf } from '../linalg/matrix-products.js';
import { randomSigns } from './random-signs.js';
import { FLOAT32_ROUNDOFF as u } from './rounding.js';
import type { StoredVectors } from './stored-vectors.js';
import { type Check, DEVIATIONS, judge } from './verdict.js';

/** Symmetric matrix that a basis diagonalises: C or E = C + mu mu^T where it was computed, else the given M. */
export interface Operator {
  symbol: 'C' | 'E' | 'M';
  /** float64 [d, d]. */
  matrix: Float64Array;
}

/** Eigenvectors as they are stored, and the eigenvalue of each, [d]. */
export interface StoredPairs extends StoredVectors {
  eigenvalues: Float64Array;
}

/** Random vectors by which the residual is estimated. */
const PROBES = 64;
/** Seed of them, fixed: they are random with respect to any basis, and the same for every check. */
const SEED = 0x9e3779b9;

/** Rows that are multiplied at a time. */
const BLOCK = 256;

/**
 * Judges the residual E = A V - V diag(eigenvalues) by its Frobenius norm.
 *
 * Estimated, ||E||_F^2 is the mean of ||E r||^2 over 64 random vectors r of signs (Hutchinson, 1989), whatever E is: a single
 * wrong eigenvector counts in full. The estimate has a relative standard deviation of at most sqrt(2 / 64) = 18 %, and of
 * sqrt(2 / 64 / d) where the error is spread over all directions, as that of rounding is; its time is nothing beside d^3.
 *
 * Storing V as float32 moves each of its entries by an error of a standard deviation of at most u / sqrt(3) of the entry. In
 * the basis V, the error e_ij of V gives (a_i - a_j) e_ij to E, and the expected value of ||E||_F^2 is at most 2 u^2 / 3 times
 * the squares of A's off-diagonal entries, and the more, the more entries are rounded alike: see ./stored-vectors.ts.
 */
export async function checkResidual(
  pairs: StoredPairs,
  { symbol, matrix }: Operator,
  product: Multiplication,
  isExact: boolean,
): Promise<Check> {
  const operator = { values: matrix, rows: pairs.d, columns: pairs.d };
  const squares = isExact
    ? await residualSquares(pairs, operator, product)
    : await estimatedSquares(pairs, operator, product);
  const { all, offDiagonal, terms } = sizeOf(matrix, pairs.d);
  // The sum and its estimate vary the more, the fewer terms carry them.
  const spread = Math.sqrt(2 / Math.min(terms, isExact ? terms : PROBES));
  const stored = ((2 * u * u) / 3) * pairs.inflation * (offDiagonal / all) * (1 + DEVIATIONS * spread);
  const eigenvalues = symbol === 'M' ? 'lambda' : 'c';
  return {
    name: 'residual',
    what:
      `||${symbol} V - V diag(${eigenvalues})||_F / ||${symbol}||_F` +
      (isExact ? '' : `, estimated by ${PROBES} random vectors`),
    ...judge(Math.sqrt(squares / all), Math.sqrt(stored) + pairs.d * Number.EPSILON),
  };
}

/**
 * Squares of a matrix's entries, of all and of those off the diagonal, and how many independent errors carry a residual at
 * least: d, or fewer where few entries off the diagonal outweigh all others.
 */
function sizeOf(matrix: Float64Array, d: number): { all: number; offDiagonal: number; terms: number } {
  let all = 0;
  // By index: an iterator takes ten times as long.
  for (let k = 0; k < matrix.length; k++) all += matrix[k]! * matrix[k]!;
  // Of the whole: fourth powers of the entries themselves may be no float64.
  const unit = 1 / Math.sqrt(all);
  let [share, squaredShares] = [0, 0];
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) {
      if (i === j) continue;
      const entry = unit * matrix[i * d + j]!;
      const part = entry * entry;
      share += part;
      squaredShares += part * part;
    }
  }
  const outweighing = squaredShares > 0 ? share ** 2 / squaredShares : d;
  return { all, offDiagonal: share * all, terms: Math.max(1, Math.min(d, outweighing)) };
}

/** ||E||_F^2. */
async function residualSquares(
  { rows: vectors, eigenvalues, d }: StoredPairs,
  operator: Matrix<Float64Array>,
  product: Multiplication,
): Promise<number> {
  let squares = 0;
  for (let first = 0; first < d; first += BLOCK) {
    const rows = Math.min(BLOCK, d - first);
    const block = blockOf(vectors, { first, count: rows, left: 0, width: d });
    // (A v_j)^T = v_j^T A.
    const { values: images } = await timesMatrix(block, operator, product);
    for (let k = 0; k < images.length; k++) {
      const residual = images[k]! - eigenvalues[first + Math.floor(k / d)]! * block.values[k]!;
      squares += residual * residual;
    }
  }
  return squares;
}

/** Estimate of ||E||_F^2: the mean of ||A (V r) - V (eigenvalues * r)||^2. */
async function estimatedSquares(
  { rows: vectors, eigenvalues, d }: StoredPairs,
  operator: Matrix<Float64Array>,
  product: Multiplication,
): Promise<number> {
  // Each r, and behind all of them each eigenvalues * r: one product has both.
  const probes = new Float64Array(2 * PROBES * d);
  probes.set(randomSigns(PROBES * d, SEED));
  for (let k = 0; k < PROBES * d; k++) probes[PROBES * d + k] = probes[k]! * eigenvalues[k % d]!;
  // (V r)^T = r^T V^T.
  const combined = await timesMatrix({ values: probes, rows: 2 * PROBES, columns: d }, vectors, product);
  const along = blockOf(combined, { first: 0, count: PROBES, left: 0, width: d });
  const images = await timesMatrix(along, operator, product);
  let squares = 0;
  for (let i = 0; i < PROBES; i++) {
    const expected = (PROBES + i) * combined.columns;
    for (let j = 0; j < d; j++) {
      const residual = images.values[i * d + j]! - combined.values[expected + j]!;
      squares += residual * residual;
    }
  }
  return squares / PROBES;
}

/** Product of rows with a matrix. */
async function timesMatrix(
  rows: Matrix<Float64Array>,
  matrix: Matrix<Float64Array>,
  product: Multiplication,
): Promise<Matrix<Float64Array>> {
  const { columns } = matrix;
  const out = { values: new Float64Array(rows.rows * columns), rows: rows.rows, columns };
  await product.multiply(rows, matrix, out);
  return out;
}
