/** Columns `low` and `high` of Z become c low + s high and c high - s low. */
export interface Rotation {
  low: number;
  high: number;
  c: number;
  s: number;
}

/** What is left of a merge's rank-one problem after deflation, and what is already solved. */
export interface Deflation {
  /** The poles d of the secular equation, strictly ascending, and their z, both [count]. */
  d: Float64Array;
  z: Float64Array;
  /** To be applied to Z, in this order, before anything else. */
  rotations: Rotation[];
  /**
   * The columns of Z that belong to the poles, those with entries in the upper rows only first, in the lower rows
   * only last; and for each the pole's index.
   */
  columns: Int32Array;
  order: Int32Array;
  /** How many of them have entries in the upper rows, and how many have none in the lower. */
  upper: number;
  upperOnly: number;
  /** Columns that are eigenvectors already, and their eigenvalues, ascending. */
  deflatedColumns: Int32Array;
  deflatedValues: Float64Array;
}

type Part = 'upper' | 'both' | 'lower';

/**
 * Deflates diag(d) + rho z z^T as LAPACK's dlaed2 does: a negligible z_i leaves its d_i an eigenvalue, and of two d
 * that are close a rotation makes one z_i zero.
 * @param d [size]: the eigenvalues of the upper part (the first `half`), then of the lower, each ascending
 * @param z [size], norm 1; @param rho > 0
 */
export function deflate(d: Float64Array, z: Float64Array, rho: number, half: number): Deflation {
  const values = d.slice();
  const weights = z.slice();
  const parts: Part[] = Array.from(d, (_, i) => (i < half ? 'upper' : 'lower'));
  const largest = Math.max(maximumMagnitude(d), maximumMagnitude(z));
  const tolerance = 8 * (Number.EPSILON / 2) * largest;
  const kept: number[] = [];
  const deflated: number[] = [];
  const rotations: Rotation[] = [];

  let previous = -1;
  for (const column of mergedOrder(d, half)) {
    if (rho * Math.abs(weights[column]!) <= tolerance) {
      deflated.push(column);
      continue;
    }
    if (previous >= 0) {
      const norm = Math.hypot(weights[column]!, weights[previous]!);
      const c = weights[column]! / norm;
      const s = -weights[previous]! / norm;
      const gap = values[column]! - values[previous]!;
      if (Math.abs(gap * c * s) <= tolerance) {
        weights[column] = norm;
        weights[previous] = 0;
        if (parts[column] !== parts[previous]) parts[column] = 'both';
        rotations.push({ low: previous, high: column, c, s });
        const low = values[previous]!;
        const high = values[column]!;
        values[previous] = low * c * c + high * s * s;
        values[column] = low * s * s + high * c * c;
        deflated.push(previous);
      } else {
        kept.push(previous);
      }
    }
    previous = column;
  }
  if (previous >= 0) kept.push(previous);

  const poleOf = new Map(kept.map((column, pole) => [column, pole]));
  const of = (part: Part) => kept.filter((column) => parts[column] === part);
  const upperOnly = of('upper');
  const both = of('both');
  const columns = Int32Array.from([...upperOnly, ...both, ...of('lower')]);
  deflated.sort((a, b) => values[a]! - values[b]! || a - b);
  return {
    d: Float64Array.from(kept, (column) => values[column]!),
    z: Float64Array.from(kept, (column) => weights[column]!),
    rotations,
    columns,
    order: columns.map((column) => poleOf.get(column)!),
    upper: upperOnly.length + both.length,
    upperOnly: upperOnly.length,
    deflatedColumns: Int32Array.from(deflated),
    deflatedValues: Float64Array.from(deflated, (column) => values[column]!),
  };
}

function maximumMagnitude(values: Float64Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

/** The indices of d, whose two parts ascend, such that all of it ascends. */
function mergedOrder(d: Float64Array, half: number): Int32Array {
  const order = new Int32Array(d.length);
  let i = 0;
  let j = half;
  for (let k = 0; k < d.length; k++) {
    order[k] = j === d.length || (i < half && d[i]! <= d[j]!) ? i++ : j++;
  }
  return order;
}
