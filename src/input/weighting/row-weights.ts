/**
 * Makes weights of numbers that are in proportion to them.
 *
 * @param values [V], none below 0, one above it
 * @returns [V], their sum 1
 */
export function normalised(values: Float64Array): Float64Array {
  // Of the largest first: a sum of huge counts may be no float64.
  const largest = values.reduce((a, b) => Math.max(a, b), 0);
  const shares = values.map((value) => value / largest);
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}

/**
 * Makes weights of logits, w_i = exp l_i / sum exp l, without overflow whatever their size.
 *
 * @param logits [V]
 * @returns [V], their sum 1
 */
export function softmaxOf(logits: Float64Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return normalised(logits.map((logit) => Math.exp(logit - largest)));
}

/**
 * Weighs every group of equal rows as one row.
 *
 * @param groups int32 [V], the lowest row of each row's group, -1 where no other row is the same
 * @returns [V], their sum 1
 */
export function weightsOfGroups(groups: Int32Array): Float64Array {
  const sizes = new Map<number, number>();
  for (const group of groups) if (group >= 0) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  return normalised(Float64Array.from(groups, (group) => (group < 0 ? 1 : 1 / sizes.get(group)!)));
}

/** Number of rows that would tell as much if all had one weight, 1 / sum w^2. @param weights their sum is 1 */
export function effectiveRows(weights: Float64Array): number {
  return 1 / weights.reduce((sum, weight) => sum + weight * weight, 0);
}

/** Effective rows below which, as a multiple of d, the small end of a covariance rests on a few rows. */
export const FEW_ROWS = 10;
