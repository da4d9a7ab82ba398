/** Norms of some rows, float64 [count] each. */
export interface NormPart {
  norm: Float64Array;
  /** sqrt(sum_j lambda_j p_ij^2) */
  causalNorm: Float64Array;
  /** Norm of the row less the mean row. */
  centredNorm: Float64Array;
  /** Causal norm of the row less the mean row. */
  centredCausalNorm: Float64Array;
}

/** Makes the norms of `count` rows, all 0. */
export function emptyNormPart(count: number): NormPart {
  const figures = () => new Float64Array(count);
  return { norm: figures(), causalNorm: figures(), centredNorm: figures(), centredCausalNorm: figures() };
}

/** Puts the norms of the rows from `first` on among those of all. */
export function placeNormPart(all: NormPart, part: NormPart, first: number): void {
  for (const name of Object.keys(part) as (keyof NormPart)[]) all[name].set(part[name], first);
}
