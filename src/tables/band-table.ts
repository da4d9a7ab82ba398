import {
  double,
  int32,
  nullableDouble,
  repetitive,
  type TableColumn,
  text,
} from '../formats/parquet-table.js';
import type { Matrix } from '../linalg/matrix.js';
import { type Band, equalBands, MAP_BANDS } from '../plan/bands.js';

/** Spectra of two runs, along the eigenvectors of the first one, A. */
export interface ComparedSpectra {
  /** lambda of A, [d]. */
  eigenvalues: Float64Array;
  /** v_j^T C v_j of C_A, C_B and X, [d] each; null where the hidden sizes differ. */
  variances: { a: Float64Array; b: Float64Array | null; x: Float64Array | null };
  /** V_A^T V_B, [d, d]; null where the hidden sizes differ. */
  overlap: Matrix<Float64Array> | null;
}

/** Band of both runs' eigenvectors whose subspaces were compared. */
export interface ComparedBand extends Band {
  kind: 'first' | 'last' | 'cluster';
  /** Mean of the squared cosines of the principal angles. */
  meanSquaredCosine: number;
  /** Largest principal angle, in degrees. */
  largestAngle: number;
}

/** What bands.parquet is made of. */
export interface BandFigures {
  spectra: ComparedSpectra;
  subspaces: readonly ComparedBand[];
  /** sum (delta . v_j)^2 over the tokens, [d]; null where the hidden sizes differ. */
  squares: Float64Array | null;
}

/** Shares (v_j . w_k)^2 between bands of two eigenbases, [bands, bands]: each row sums to 1. */
export function overlapMap(overlap: Matrix<Float64Array>): Float64Array {
  const bands = equalBands(overlap.rows, MAP_BANDS);
  const map = new Float64Array(bands.length * bands.length);
  for (const [row, one] of bands.entries())
    for (const [column, other] of bands.entries()) {
      let sum = 0;
      for (let j = one.first; j < one.first + one.count; j++)
        for (let k = other.first; k < other.first + other.count; k++)
          sum += overlap.values[j * overlap.columns + k]! ** 2;
      map[row * bands.length + column] = sum / one.count;
    }
  return map;
}

/**
 * Variance of B over that of A along each eigenvector of A, [d]; NaN where A has none but for rounding, or the hidden sizes
 * differ.
 */
export function eigenvalueFlow({ variances: { a, b } }: ComparedSpectra): Float64Array {
  const least = a.length * Number.EPSILON * a.reduce((most, value) => Math.max(most, value), 0);
  return a.map((variance, j) => (b === null || !(variance > least) ? Number.NaN : b[j]! / variance));
}

/** Row of bands.parquet. */
interface BandRow extends Band {
  kind: 'index' | 'map' | ComparedBand['kind'];
  meanSquaredCosine?: number;
  largestAngle?: number;
  /** Row of the map. */
  place?: number;
}

/** Columns of bands.parquet: single directions, the bands of the map, and those whose subspaces were compared. */
export function bandTable({ spectra, subspaces, squares }: BandFigures): TableColumn[] {
  const { eigenvalues, variances, overlap } = spectra;
  const d = eigenvalues.length;
  const mapBands = equalBands(d, MAP_BANDS);
  const rows: BandRow[] = [
    ...Array.from({ length: d }, (_, first) => ({ kind: 'index' as const, first, count: 1 })),
    ...mapBands.map((band, place) => ({ kind: 'map' as const, ...band, place })),
    ...subspaces,
  ];
  const sum = (values: ArrayLike<number>, { first, count }: Band) => {
    let total = 0;
    for (let j = first; j < first + count; j++) total += values[j]!;
    return total;
  };
  const column = (of: (row: BandRow) => number) => Float64Array.from(rows, of);
  const causal = squares?.map((square, j) => square * eigenvalues[j]!);
  const shareOf = (values: Float64Array | undefined | null) => {
    const all = values?.reduce((total, value) => total + value, 0) ?? 0;
    return column((row) => (values && all > 0 ? sum(values, row) / all : Number.NaN));
  };
  const map = overlap === null ? null : overlapMap(overlap);
  const flow = eigenvalueFlow(spectra);
  return [
    repetitive(
      text(
        'kind',
        rows.map(({ kind }) => kind),
      ),
    ),
    int32(
      'first_index',
      Int32Array.from(rows, ({ first }) => first),
    ),
    int32(
      'count',
      Int32Array.from(rows, ({ count }) => count),
    ),
    double(
      'eigenvalue_minimum',
      column(({ first }) => eigenvalues[first]!),
    ),
    double(
      'eigenvalue_maximum',
      column(({ first, count }) => eigenvalues[first + count - 1]!),
    ),
    double(
      'variance_a',
      column((row) => sum(variances.a, row)),
    ),
    nullableDouble(
      'variance_b',
      column((row) => (variances.b === null ? Number.NaN : sum(variances.b, row))),
    ),
    nullableDouble(
      'flow',
      column((row) => {
        if (row.count === 1) return flow[row.first]!;
        const [of, to] = [sum(variances.a, row), variances.b === null ? Number.NaN : sum(variances.b, row)];
        return of > 0 ? to / of : Number.NaN;
      }),
    ),
    nullableDouble('displacement_share', shareOf(squares)),
    nullableDouble('causal_displacement_share', shareOf(causal)),
    nullableDouble(
      'mean_squared_cosine',
      column(({ meanSquaredCosine = Number.NaN }) => meanSquaredCosine),
    ),
    nullableDouble(
      'largest_angle',
      column(({ largestAngle = Number.NaN }) => largestAngle),
    ),
    ...mapBands.map((_, band) =>
      nullableDouble(
        `map_${band + 1}`,
        column(({ place }) =>
          map === null || place === undefined ? Number.NaN : map[place * mapBands.length + band]!,
        ),
      ),
    ),
  ];
}
