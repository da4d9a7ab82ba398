/** Token with its distortion, the ratio of its causal norm to its norm. */
export interface Distorted {
  token: number;
  distortion: number;
}

/** Tokens of the greatest and of the least distortion, each the extreme one first. */
export interface DistortedTokens {
  most: Distorted[];
  least: Distorted[];
}

/**
 * Finds the most and the least distorted tokens. Rows of zeros have no distortion; of equal rows the first stands for
 * all, which would fill the lists with one value.
 *
 * @param count how many of each at most
 */
export function distortedTokens(
  { norm, causalNorm, duplicateGroup }: Record<'norm' | 'causalNorm' | 'duplicateGroup', ArrayLike<number>>,
  count: number,
): DistortedTokens {
  const most: Distorted[] = [];
  const least: Distorted[] = [];
  for (let token = 0; token < norm.length; token++) {
    const distortion = causalNorm[token]! / norm[token]!;
    const group = duplicateGroup[token]!;
    if (Number.isNaN(distortion) || (group >= 0 && group !== token)) continue;
    insert(most, { token, distortion }, count, (a, b) => a > b);
    insert(least, { token, distortion }, count, (a, b) => a < b);
  }
  return { most, least };
}

/** Inserts into a short sorted list, which keeps its first `count`; among equals the lower id stays first. */
function insert(
  list: Distorted[],
  one: Distorted,
  count: number,
  isBefore: (a: number, b: number) => boolean,
): void {
  if (list.length === count && !isBefore(one.distortion, list.at(-1)!.distortion)) return;
  let at = list.length;
  while (at > 0 && isBefore(one.distortion, list[at - 1]!.distortion)) at--;
  list.splice(at, 0, one);
  list.length = Math.min(list.length, count);
}
