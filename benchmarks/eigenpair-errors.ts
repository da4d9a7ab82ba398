import type { Eigendecomposition } from '../src/linalg/eigh/eigh.js';
import { Product } from '../src/linalg/product.js';

/** Errors of an eigendecomposition A = V diag(lambda) V^T. */
export interface EigenpairErrors {
  /** Largest |V^T V - I|. */
  orthogonality: number;
  /** Relative residual ||A V - V diag(lambda)||_F / ||A||_F. */
  residual: number;
}

/** Rows of V^T and of A that are multiplied at a time: they bound the memory. */
const STRIP = 512;

/**
 * Measures how far a decomposition is from A = V diag(lambda) V^T, by products in float64; they add rounding errors of
 * their own, of about 1e-15.
 * @param A [n, n] symmetric, row-major
 * @throws Error when the eigenvalues do not ascend
 */
export async function eigenpairErrors(
  A: Float64Array,
  n: number,
  { eigenvalues, eigenvectors: V }: Eigendecomposition,
  threads: number,
): Promise<EigenpairErrors> {
  const descent = eigenvalues.findIndex((value, j) => !(j === 0 || eigenvalues[j - 1]! <= value));
  if (descent >= 0)
    throw new Error(`eigenvalue ${descent} of ${n} is smaller than the one before, or not a number`);
  // Released at the end: the idle threads of a session would spin beside whatever is timed next.
  const product = await Product.create(threads);
  let orthogonality = 0;
  let squares = 0;
  let normSquares = 0;
  try {
    for (let first = 0; first < n; first += STRIP) {
      const count = Math.min(STRIP, n - first);
      const strip = { values: new Float64Array(count * n), rows: count, columns: n };
      const out = { values: new Float64Array(count * n), rows: count, columns: n };
      const right = { values: V, rows: n, columns: n };

      for (let k = 0; k < n; k++) {
        for (let i = 0; i < count; i++) strip.values[i * n + k] = V[k * n + first + i]!;
      }
      await product.multiply(strip, right, out);
      for (let i = 0; i < count; i++) {
        out.values[i * n + first + i]! -= 1;
        for (let j = 0; j < n; j++) {
          const deviation = Math.abs(out.values[i * n + j]!);
          if (!(deviation <= orthogonality)) orthogonality = deviation;
        }
      }

      strip.values.set(A.subarray(first * n, (first + count) * n));
      await product.multiply(strip, right, out);
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < n; j++) {
          squares += (out.values[i * n + j]! - V[(first + i) * n + j]! * eigenvalues[j]!) ** 2;
          normSquares += strip.values[i * n + j]! ** 2;
        }
      }
    }
  } finally {
    await product.release();
  }
  return { orthogonality, residual: Math.sqrt(squares / normSquares) };
}
