/**
 * Neighbouring eigenvalues closer than this, relative to the smaller one, count as equal: the eigensolver's rounding
 * errors, some d eps x the condition number, are a thousand times smaller, but turn the eigenvectors of such a pair
 * into each other by a visible angle.
 */
export const CLUSTER_THRESHOLD = 1e-6;

/** Distance of every eigenvalue [d], ascending, to the nearer neighbour, relative to itself; NaN where it has none. */
export function relativeGaps(lambda: Float64Array): Float64Array {
  return lambda.map((value, j) => {
    const below = j > 0 ? value - lambda[j - 1]! : Number.POSITIVE_INFINITY;
    const above = j + 1 < lambda.length ? lambda[j + 1]! - value : Number.POSITIVE_INFINITY;
    const gap = Math.min(below, above);
    return gap === Number.POSITIVE_INFINITY ? Number.NaN : gap / value;
  });
}

/** Clusters of more than one direction: how many there are, and how many directions lie in them. */
export interface ClusterCounts {
  count: number;
  directions: number;
}

/** Counts the clusters of eigenvalues [d], ascending. */
export function countClusters(lambda: Float64Array): ClusterCounts {
  const sizes = new Int32Array(lambda.length);
  for (const cluster of clustersOf(lambda)) sizes[cluster]!++;
  const several = sizes.filter((size) => size > 1);
  return { count: several.length, directions: several.reduce((total, size) => total + size, 0) };
}

/** Numbers of the runs of near-equal eigenvalues, from 0 ascending, int32 [d]. */
export function clustersOf(lambda: Float64Array): Int32Array {
  const clusters = new Int32Array(lambda.length);
  for (let j = 1; j < lambda.length; j++) {
    const isNear = lambda[j]! - lambda[j - 1]! < CLUSTER_THRESHOLD * lambda[j - 1]!;
    clusters[j] = clusters[j - 1]! + (isNear ? 0 : 1);
  }
  return clusters;
}
