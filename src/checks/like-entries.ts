import { bitsOf, LikeNumbers, sizeOf } from './like-numbers.js';

/** Entries of one eigenvector that are of one size. */
export interface LikeEntries {
  /** Group of each entry, 0 of one that is alone, [d]. */
  groups: Uint32Array;
  /** Number of groups. */
  count: number;
}

/** Pairs of entries of one size, beside the number of entries, from which on a column is looked at: few are so by chance. */
const MANY_PAIRS = 1 / 4;

/**
 * Gives how many entries of its size, itself included, an entry of an eigenvector has on average, where that is most: 1 where
 * their sizes differ.
 *
 * @param eigenvectors V, [d, d] float32 row-major
 */
export function mostRepeated(eigenvectors: Float32Array, d: number): number {
  return likeEntries(eigenvectors, d).reduce(
    (most, entries) => (entries === null ? most : Math.max(most, 1 + pairsOf(entries) / d)),
    1,
  );
}

/** What was found in eigenvectors that are still in use: the basis, its projections and their judgement all ask. */
const known = new WeakMap<Float32Array, readonly (LikeEntries | null)[]>();

/** Columns that are gathered at once, of which a row of V has a cache line. */
const TILE = 16;

/**
 * Finds the columns of V in which many entries are of one size, as they are where rows are alike in coordinates: of rows that are
 * permutations of each other, one eigenvector is (1, ..., 1) / sqrt(d). Equal weights make equal terms there, and equal terms are
 * rounded alike, one after the other.
 *
 * Time: that of d^2 look-ups in a table, once for an array.
 *
 * @param eigenvectors V, [d, d] float32 row-major, which stay as they are
 * @returns of each column its groups; null where hardly any entries are alike
 */
export function likeEntries(eigenvectors: Float32Array, d: number): readonly (LikeEntries | null)[] {
  let found = known.get(eigenvectors);
  if (found === undefined) {
    found = findLikeEntries(eigenvectors, d);
    known.set(eigenvectors, found);
  }
  return found;
}

function findLikeEntries(eigenvectors: Float32Array, d: number): (LikeEntries | null)[] {
  const bits = bitsOf(eigenvectors);
  const numbers = new LikeNumbers(d);
  const sizes = new Int32Array(TILE * d);
  const found: (LikeEntries | null)[] = [];
  for (let first = 0; first < d; first += TILE) {
    const count = Math.min(TILE, d - first);
    for (let k = 0; k < d; k++) {
      for (let j = 0, at = k * d + first; j < count; j++, at++) sizes[j * d + k] = sizeOf(bits[at]!);
    }
    for (let j = 0; j < count; j++) found.push(groupsOf(numbers, sizes.subarray(j * d, (j + 1) * d)));
  }
  return found;
}

function groupsOf(numbers: LikeNumbers, sizes: Int32Array): LikeEntries | null {
  if (numbers.pairs(sizes) < MANY_PAIRS * sizes.length) return null;
  const groups = new Uint32Array(sizes.length);
  const count = numbers.group(sizes, groups);
  return { groups, count };
}

/** Ordered pairs of two entries of one group. */
function pairsOf({ groups, count }: LikeEntries): number {
  const members = new Float64Array(count + 1);
  for (const group of groups) if (group !== 0) members[group]!++;
  return members.reduce((pairs, number) => pairs + number * Math.max(0, number - 1), 0);
}
