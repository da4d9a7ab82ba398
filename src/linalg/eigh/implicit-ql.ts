import { RunError } from '../../errors.js';

/** LAPACK's dsteqr allows 30 sweeps an eigenvalue on average; about two are needed. */
const MAXIMUM_SWEEPS = 50;

/** Magnitude far below what the rounding of a matrix of norm about 1 leaves, far above where squares underflow. */
const NEGLIGIBLE = 1e-140;

/**
 * Eigenvalues and eigenvectors of a small symmetric tridiagonal matrix, part of one of norm about 1, by the implicit
 * QL method (EISPACK's tql2).
 * @param diagonal [n], becomes the eigenvalues, ascending
 * @param offDiagonal [n - 1] or longer, not modified
 * @returns [n, n] row-major, the eigenvectors as columns
 */
export function implicitQl(diagonal: Float64Array, offDiagonal: Float64Array): Float64Array {
  const n = diagonal.length;
  const z = new Float64Array(n * n);
  const e = new Float64Array(n);
  e.set(offDiagonal.subarray(0, n - 1));
  for (let i = 0; i < n; i++) z[i * n + i] = 1;
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      let m = l;
      while (m < n - 1 && !isNegligible(e[m]!, diagonal[m]!, diagonal[m + 1]!)) m++;
      if (m === l) break;
      if (sweep === MAXIMUM_SWEEPS) {
        throw new RunError(`the QL iteration for eigenvalue ${l} did not converge after ${sweep} sweeps`);
      }
      sweepUp({ d: diagonal, e, z }, l, m);
    }
  }
  sortColumns(diagonal, z);
  return z;
}

/** Whether an entry is negligible beside its neighbours on the diagonal, or at all in a matrix of norm about 1. */
function isNegligible(e: number, above: number, below: number): boolean {
  return Math.abs(e) <= (Number.EPSILON / 2) * (Math.abs(above) + Math.abs(below)) + NEGLIGIBLE;
}

/** Matrix under iteration: its diagonal [n], its off-diagonal [n], and the eigenvectors so far, [n, n]. */
interface Iteration {
  d: Float64Array;
  e: Float64Array;
  z: Float64Array;
}

/** Does one implicit QL sweep with Wilkinson's shift on the unreduced block l..m. */
function sweepUp({ d, e, z }: Iteration, l: number, m: number): void {
  const n = d.length;
  let g = (d[l + 1]! - d[l]!) / (2 * e[l]!);
  let r = Math.hypot(g, 1);
  g = d[m]! - d[l]! + e[l]! / (g + (g >= 0 ? r : -r));
  let s = 1;
  let c = 1;
  let p = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i]!;
    const b = c * e[i]!;
    r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      // The rotation underflowed: the block has split at i + 1.
      d[i + 1]! -= p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1]! - p;
    r = (d[i]! - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    for (let k = 0; k < n; k++) {
      const at = k * n + i;
      const above = z[at + 1]!;
      z[at + 1] = s * z[at]! + c * above;
      z[at] = c * z[at]! - s * above;
    }
  }
  d[l]! -= p;
  e[l] = g;
  e[m] = 0;
}

/** Puts the eigenvalues, and with them the columns of z, in ascending order. */
function sortColumns(d: Float64Array, z: Float64Array): void {
  const n = d.length;
  const order = Array.from(d.keys()).sort((a, b) => d[a]! - d[b]! || a - b);
  d.set(order.map((j) => d[j]!));
  const row = new Float64Array(n);
  for (let k = 0; k < n; k++) {
    for (let j = 0; j < n; j++) row[j] = z[k * n + order[j]!]!;
    z.set(row, k * n);
  }
}
