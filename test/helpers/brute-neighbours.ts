import type { NeighbourMeasure } from '../../src/tables/neighbour-measures.js';

/** Projections of a run, and what its measures are made of. */
export interface BruteRun {
  /** [rows, hidden] */
  projections: Float32Array;
  /** lambda, [hidden] */
  eigenvalues: Float64Array;
}

/** The k nearest of every row by all pairs in float64, ties by the lower number; null for a row of zeros. */
export function bruteNeighbours(
  { projections, eigenvalues }: BruteRun,
  measure: NeighbourMeasure,
  k: number,
): ({ id: number; value: number }[] | null)[] {
  const d = eigenvalues.length;
  const rows = projections.length / d;
  const isCausal = measure.startsWith('causal');
  const isCosine = measure.endsWith('cosine');
  const mean = Float64Array.from(eigenvalues, (_, j) => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += projections[i * d + j]!;
    return isCausal && isCosine ? sum / rows : 0;
  });
  const weights = isCausal ? eigenvalues : new Float64Array(d).fill(1);
  const vectors = Array.from({ length: rows }, (_, i) => {
    const vector = Float64Array.from(projections.subarray(i * d, (i + 1) * d), (p, j) => p - mean[j]!);
    const norm = Math.sqrt(vector.reduce((sum, x, j) => sum + weights[j]! * x * x, 0));
    if (isCosine && norm === 0) return null;
    return isCosine ? vector.map((x) => x / norm) : vector;
  });
  const values = new Float64Array(rows);
  return vectors.map((vector, i) => {
    if (vector === null) return null;
    for (const [id, other] of vectors.entries()) {
      let sum = 0;
      for (let j = 0; other !== null && j < d; j++) sum += weights[j]! * (vector[j]! - other[j]!) ** 2;
      const isNeighbour = other !== null && id !== i;
      values[id] = isNeighbour ? valueOfSquares(sum, isCosine ? d : null) : Number.POSITIVE_INFINITY;
    }
    const last = values.toSorted()[Math.min(k, rows) - 1]!;
    const near = Array.from(values, (value, id) => ({ id, value }));
    return near
      .filter(({ value }) => value <= last && value < Number.POSITIVE_INFINITY)
      .sort((a, b) => a.value - b.value || a.id - b.id)
      .slice(0, k);
  });
}

/** @param d length of unit vectors, whose rounding is no difference; null for a distance */
function valueOfSquares(squares: number, d: number | null): number {
  if (d === null) return Math.sqrt(squares);
  return squares <= ((d + 8) * 2 ** -53) ** 2 ? 0 : squares / 2;
}
