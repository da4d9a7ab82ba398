/** How unevenly tokens stand on the lists of others. N_k(j) is the number of lists that token j is on. */
export interface Hubness {
  /** The largest N_k, and the first token that has it. */
  maximum: number;
  token: number;
  /** Skewness of N_k over all tokens; null where all are equal. */
  skewness: number | null;
  /** Number of tokens that are on no list. */
  antihubs: number;
}

/** Counts the lists that each token is on, int32 [V]. */
export function hubCounts(lists: readonly (readonly number[] | null)[]): Int32Array {
  const counts = new Int32Array(lists.length);
  for (const list of lists) for (const id of list ?? []) counts[id]!++;
  return counts;
}

/** Sums up how often each token is on a list. @param counts see `hubCounts` */
export function hubnessOf(counts: Int32Array): Hubness {
  const maximum = counts.reduce((a, b) => Math.max(a, b), 0);
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  let [squares, cubes] = [0, 0];
  for (const count of counts) {
    squares += (count - mean) ** 2;
    cubes += (count - mean) ** 3;
  }
  const variance = squares / counts.length;
  return {
    maximum,
    token: counts.indexOf(maximum),
    skewness: variance === 0 ? null : cubes / counts.length / variance ** 1.5,
    antihubs: counts.filter((count) => count === 0).length,
  };
}
