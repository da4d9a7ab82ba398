import type { Matrix } from '../linalg/matrix.js';
import { blockOf, multiplied, quadraticForms, transposeOf } from '../linalg/matrix-products.js';
import { singularValues } from '../linalg/similarity/singular-values.js';
import { type Band, endBands } from '../plan/bands.js';
import type { ComparedBand, ComparedSpectra } from '../tables/band-table.js';
import { clustersOf } from '../tables/clusters.js';
import { degrees } from '../tables/degrees.js';
import { type ComparedPair, haveOneSize } from './compared-pair.js';
import type { CrossCovariances } from './cross-covariances.js';

/**
 * Compares variances along A's eigenvectors, and the eigenvectors of both runs.
 *
 * Memory: some matrices [d, d].
 */
export async function compareSpectra(
  pair: ComparedPair,
  { a, b, x }: CrossCovariances,
): Promise<ComparedSpectra> {
  const v = asFloat64(pair.a.basis.eigenvectors);
  const along = async (matrix: Matrix<Float64Array>) =>
    quadraticForms(v, await multiplied(matrix, v, pair.backend));
  const { eigenvalues } = pair.a.basis;
  const variances = { a: await along(a) };
  if (!haveOneSize(pair))
    return { eigenvalues, variances: { ...variances, b: null, x: null }, overlap: null };
  return {
    eigenvalues,
    variances: { ...variances, b: await along(b), x: await along(x) },
    overlap: await overlapOf(pair, v),
  };
}

/** V_A^T V_B, [d, d]: of one basis the identity, which rounded eigenvectors are off by their rounding. */
async function overlapOf(pair: ComparedPair, v: Matrix<Float64Array>): Promise<Matrix<Float64Array>> {
  const { eigenvectors: a } = pair.a.basis;
  const { eigenvectors: b } = pair.b.basis;
  if (!a.every((value, k) => value === b[k])) return multiplied(transposeOf(v), asFloat64(b), pair.backend);
  const d = v.rows;
  const values = new Float64Array(d * d);
  for (let j = 0; j < d; j++) values[j * d + j] = 1;
  return { values, rows: d, columns: d };
}

function asFloat64(eigenvectors: Float32Array): Matrix<Float64Array> {
  const d = Math.sqrt(eigenvectors.length);
  return { values: Float64Array.from(eigenvectors), rows: d, columns: d };
}

/**
 * Finds the principal angles between bands of both runs' eigenvectors: those at both ends, and the clusters of A, whose
 * vectors are only determined together.
 */
export async function compareSubspaces(
  pair: ComparedPair,
  overlap: Matrix<Float64Array>,
): Promise<ComparedBand[]> {
  const wanted = [
    ...endBands(overlap.rows),
    ...clusterBands(pair.a.basis.eigenvalues).map((band) => ({ kind: 'cluster' as const, band })),
  ];
  const found: ComparedBand[] = [];
  for (const { kind, band } of wanted) {
    const { first, count } = band;
    const block = blockOf(overlap, { first, count, left: first, width: count });
    const { values } = await singularValues(block, pair.backend);
    // Rounding can put a cosine slightly beyond 1.
    const cosines = values.map((value) => Math.min(1, value));
    found.push({
      kind,
      ...band,
      meanSquaredCosine: cosines.reduce((sum, cosine) => sum + cosine * cosine, 0) / count,
      largestAngle: degrees(cosines[count - 1]!),
    });
  }
  return found;
}

/** Runs of more than one near-equal eigenvalue. */
function clusterBands(eigenvalues: Float64Array): Band[] {
  const clusters = clustersOf(eigenvalues);
  const bands: Band[] = [];
  for (let first = 0, end = 0; first < clusters.length; first = end) {
    end = first + 1;
    while (end < clusters.length && clusters[end] === clusters[first]) end++;
    if (end - first > 1) bands.push({ first, count: end - first });
  }
  return bands;
}
