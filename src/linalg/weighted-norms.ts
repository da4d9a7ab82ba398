/** Vectors, and the coordinates that their norms are taken in. */
export interface WeighedVectors {
  /** float32 [n, d] row-major */
  vectors: Float32Array;
  /** What is taken off each, [d]; null where nothing is. */
  centre: Float64Array | null;
  /** [d] */
  weights: Float64Array;
}

/**
 * Computes sqrt(sum_j weight_j (v_j - centre_j)^2) of every vector, [n]: one component after the other, so that a row of
 * projections gets the bits that the kernel `addNorms` gives it.
 */
export function weightedNorms({ vectors, centre, weights }: WeighedVectors): Float64Array {
  const d = weights.length;
  return Float64Array.from({ length: vectors.length / d }, (_, k) => {
    let sum = 0;
    for (let j = 0; j < d; j++) {
      const value = vectors[k * d + j]! - (centre === null ? 0 : centre[j]!);
      sum += weights[j]! * (value * value);
    }
    return Math.sqrt(sum);
  });
}
