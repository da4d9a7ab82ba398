/** Rotation by which columns `low` and `high` of Z become c low + s high and c high - s low. */
export interface Rotation {
  low: number;
  high: number;
  c: number;
  s: number;
}

/** Rank-one problem of a merge as deflation leaves it, and the part that is already solved. */
export interface Deflation {
  /** Poles d of the secular equation, [count], strictly ascending. */
  d: Float64Array;
  /** Entry of z at each pole, [count]. */
  z: Float64Array;
  /** Rotations to be applied to Z, in this order, before anything else. */
  rotations: Rotation[];
  /**
   * Columns of Z that belong to the poles, [count], those with entries in the upper rows only first, in the lower rows
   * only last.
   */
  columns: Int32Array;
  /** Pole of each of `columns`, by its index. */
  order: Int32Array;
  /** Number of `columns`, from the first on, that have entries in the upper rows. */
  upper: number;
  /** Number of `columns`, from the first on, that have none in the lower rows. */
  upperOnly: number;
  /** Columns of Z that are eigenvectors already, by ascending eigenvalue. */
  deflatedColumns: Int32Array;
  /** Eigenvalues of `deflatedColumns`. */
  deflatedValues: Float64Array;
}

/** Rows in which a column of Z has entries. */
type Part = 'upper' | 'both' | 'lower';

/** Problem under deflation: d and z, which rotations change, and the part of each column of Z. */
interface Problem {
  values: Float64Array;
  weights: Float64Array;
  parts: Part[];
}

/** Columns of Z that keep a pole, by ascending pole, columns that are solved, and the rotations that solved some. */
interface Separation {
  kept: number[];
  deflated: number[];
  rotations: Rotation[];
}

/**
 * Deflates diag(d) + rho z z^T as LAPACK's dlaed2 does: a negligible z_i leaves its d_i an eigenvalue, and of two d
 * that are close a rotation makes one z_i zero.
 * @param d [size]: the eigenvalues of the upper part (the first `half`), then of the lower, each ascending
 * @param z [size], norm 1
 * @param rho factor of the rank-one matrix, > 0
 * @param half size of the upper part
 */
export function deflate(d: Float64Array, z: Float64Array, rho: number, half: number): Deflation {
  const parts = new Array<Part>(d.length).fill('upper', 0, half).fill('lower', half);
  const problem: Problem = { values: d.slice(), weights: z.slice(), parts };
  const { kept, deflated, rotations } = separate(problem, mergedOrder(d, half), rho);
  const { values, weights } = problem;
  const poleOf = new Int32Array(d.length);
  kept.forEach((column, pole) => {
    poleOf[column] = pole;
  });
  const of = (part: Part) => kept.filter((column) => parts[column] === part);
  const upperOnly = of('upper');
  const both = of('both');
  const columns = new Int32Array(upperOnly.concat(both, of('lower')));
  deflated.sort((a, b) => values[a]! - values[b]! || a - b);
  return {
    d: entriesOf(values, kept),
    z: entriesOf(weights, kept),
    rotations,
    columns,
    order: columns.map((column) => poleOf[column]!),
    upper: upperOnly.length + both.length,
    upperOnly: upperOnly.length,
    deflatedColumns: new Int32Array(deflated),
    deflatedValues: entriesOf(values, deflated),
  };
}

/** Entries of a vector, in the order of `columns`. A loop: of small merges, Float64Array.from would take a part of the time. */
function entriesOf(vector: Float64Array, columns: readonly number[]): Float64Array {
  const out = new Float64Array(columns.length);
  for (let k = 0; k < columns.length; k++) out[k] = vector[columns[k]!]!;
  return out;
}

/** Takes the columns in ascending order of d, and rotates two of them where their d are close. */
function separate({ values, weights, parts }: Problem, ascending: Int32Array, rho: number): Separation {
  const largest = Math.max(maximumMagnitude(values), maximumMagnitude(weights));
  const tolerance = 8 * (Number.EPSILON / 2) * largest;
  const kept: number[] = [];
  const deflated: number[] = [];
  const rotations: Rotation[] = [];
  let previous = -1;
  for (const column of ascending) {
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
  return { kept, deflated, rotations };
}

function maximumMagnitude(values: Float64Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}

/** Indices of d, whose two parts ascend, in an order in which all of it ascends. */
function mergedOrder(d: Float64Array, half: number): Int32Array {
  const order = new Int32Array(d.length);
  let i = 0;
  let j = half;
  for (let k = 0; k < d.length; k++) {
    order[k] = j === d.length || (i < half && d[i]! <= d[j]!) ? i++ : j++;
  }
  return order;
}
