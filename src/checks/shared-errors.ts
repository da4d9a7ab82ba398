import { likeByChance } from './like-numbers.js';
import type { Measurements, WeightSample } from './measurements.js';

/** Rows that have rounding errors in common, which a mean over rows does not make smaller. */
export interface SharedErrors {
  /** Ordered pairs of two equal rows, all of whose errors are equal; of weighed rows the products of their weights. */
  equalPairs: number;
  /** Rows of the largest group of equal rows; 1 where all differ. Of weighed rows, (sum w)^2 / sum w^2 where it is largest. */
  largestGroup: number;
  /** Probability that two rows are equal, one of which may be the other, drawn by their weights. */
  equalRows: number;
  /** Pairs of rows that are nearly equal, beyond those that rows which are spread evenly have by chance. */
  nearPairs: readonly NearPairs[];
  /** Share of the weights of such rows that are equal at most: all pairs of equal weights may be theirs. */
  equalOfNear: number;
  /**
   * Probability that two rows have the same weight in a coordinate, [d], as weights of few bits often are. What an addition
   * rounds off is the remainder of a product by the last place of the sum: it depends on the weight, and of the sum on nothing
   * but its size.
   */
  equalWeights: Float64Array;
  /** Mean of these probabilities. */
  meanEqualWeights: number;
  /** Mean probability that two rows have weights of the same size in a coordinate, whatever their signs. */
  meanEqualSizes: number;
  /**
   * Share of the pairs of equal weights that no pair of w and -w makes up for, [d], as far as it shows: what one rounds off, the
   * other adds.
   */
  unevenWeights: Float64Array;
  /** Share of the pairs of equal weights of all coordinates together that no such pair makes up for; 1 where none is known. */
  unevenOfAll: number;
  /** Probability that a weight of a coordinate has the size of another one of its row, [d]. */
  repeatedWeights: Float64Array;
}

/** Ordered pairs of rows whose keys are up to 2^exponent apart, and more than half of that. */
export interface NearPairs {
  exponent: number;
  pairs: number;
}

/** Keys of rows in ascending order, and the weights of the rows. */
interface SortedKeys {
  keys: Float64Array;
  /** Null where all are 1. */
  weights: Float64Array | null;
}

/** Distances of keys that are looked at, as powers of two below their range: all that float32 numbers can differ by. */
const OCTAVES = { first: 8, last: 48 };

/** Pairs of rows by which the probabilities of single coordinates are drawn to that of all. */
const LIKE_ALL = 8;

/** Standard deviations by which pairs of equal weights must be more than those of opposite ones to be counted as more. */
const SHOWN = 2;
/** Those by which the pairs of all coordinates together must be more: there are as many times more of them. */
const SHOWN_BY_ALL = 1;

/** Counts what the rows have in common. @param rowWeights weights of the rows, [V]; null where all are alike */
export function sharedErrors(
  { rowKeys, weights }: Pick<Measurements, 'rowKeys' | 'weights'>,
  rowWeights: Float64Array | null,
): SharedErrors {
  const rows = sortedKeys(rowKeys, rowWeights);
  const groups = groupsOfEqual(rows);
  const near = nearPairs(rows, groups.equalPairs);
  // As if one pair of 64 more were equal: no number of pairs tells that there is none, and of none nothing is known.
  const d = weights.equal.length;
  const equal = total(weights.equal);
  const meanEqualWeights = (equal + 1) / (weights.compared * d + 64);
  // Of a single coordinate less is known: as if of some pairs more as many were equal as in all.
  const meanEqualSizes = (equal + total(weights.opposite) + 1) / (weights.compared * d + 64);
  const drawn = (counts: Float64Array, ofAll: number) =>
    counts.map((count) => (count + LIKE_ALL * ofAll) / (weights.compared + LIKE_ALL));
  const equalWeights = drawn(weights.equal, meanEqualWeights);
  const repeatedWeights = drawn(weights.repeated, meanRepeatedWeights(weights)).map((share) =>
    Math.max(0, Math.min(1, share) - likeByChance(d)),
  );
  const unevenWeights = weights.equal.map((count, k) => unevenShare(count, weights.opposite[k]!, SHOWN));
  const unevenOfAll = equal === 0 ? 1 : unevenShare(equal, total(weights.opposite), SHOWN_BY_ALL);
  const ofRows = rowWeights === null ? rowKeys.length : total(rowWeights);
  const ofSquares = rowWeights === null ? rowKeys.length : total(rowWeights.map((weight) => weight * weight));
  const equalRows = Math.min(1, (groups.equalPairs + ofSquares) / ofRows ** 2);
  const nearOnes = near.reduce((sum, { pairs }) => sum + pairs, 0);
  const equalOfNear = Math.min(1, (meanEqualWeights * ofRows ** 2) / nearOnes);
  return {
    ...groups,
    equalRows,
    nearPairs: near,
    equalOfNear,
    equalWeights,
    meanEqualWeights,
    meanEqualSizes,
    unevenWeights,
    unevenOfAll,
    repeatedWeights,
  };
}

/** Share of weights whose size another one of their row has; of no rows that differ, all. */
function meanRepeatedWeights({ compared, repeated }: WeightSample): number {
  // A row that stands for eight may have fewer after it.
  return compared === 0 ? 1 : Math.min(1, total(repeated) / (compared * repeated.length));
}

/** Share of weights whose size another one of their row has, but for those that have it by chance. */
export function repeatedShare(sample: WeightSample): number {
  return Math.max(0, meanRepeatedWeights(sample) - likeByChance(sample.repeated.length));
}

function unevenShare(equal: number, opposite: number, shown: number): number {
  if (equal === 0) return 0;
  return Math.max(0, equal - opposite - shown * Math.sqrt(equal + opposite)) / equal;
}

function total(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Sorts keys. One that is no number is equal to nothing, and a row of zeros, or without a weight, has no errors. */
function sortedKeys(all: Float64Array, weights: Float64Array | null): SortedKeys {
  if (weights === null)
    return { keys: all.filter((key) => Number.isFinite(key) && key !== 0).sort(), weights: null };
  const order = Array.from(all.keys())
    .filter((i) => Number.isFinite(all[i]!) && all[i] !== 0 && weights[i] !== 0)
    .sort((a, b) => all[a]! - all[b]!);
  return {
    keys: Float64Array.from(order, (i) => all[i]!),
    weights: Float64Array.from(order, (i) => weights[i]!),
  };
}

function groupsOfEqual({ keys, weights }: SortedKeys): Pick<SharedErrors, 'equalPairs' | 'largestGroup'> {
  let equalPairs = 0;
  let largestGroup = 1;
  let [sum, squares] = [0, 0];
  for (let i = 0; i < keys.length; i++) {
    const weight = weights?.[i] ?? 1;
    sum += weight;
    squares += weight * weight;
    if (keys[i] === keys[i + 1]) continue;
    equalPairs += Math.max(0, sum * sum - squares);
    largestGroup = Math.max(largestGroup, (sum * sum) / squares);
    [sum, squares] = [0, 0];
  }
  return { equalPairs, largestGroup };
}

/**
 * Counts pairs of rows whose keys are near each other. Keys are products with one random vector, so those of rows that are
 * nearly equal are near. So are some of any rows, by chance, which are a t - b t^3 within a small distance t: of the numbers
 * N within t, 2 t and 4 t, (16 N(t) - 10 N(2 t) + N(4 t)) / 7 leaves nothing of these, and all pairs that are nearer than t
 * because their rows are.
 */
function nearPairs(rows: SortedKeys, equalPairs: number): NearPairs[] {
  const range = (rows.keys.at(-1) ?? 0) - (rows.keys[0] ?? 0);
  if (range === 0) return [];
  const top = Math.ceil(Math.log2(range));
  const within = Array.from(
    { length: OCTAVES.last - OCTAVES.first + 3 },
    (_, k) => pairsWithin(rows, 2 ** (top - OCTAVES.last + k)) - equalPairs,
  );
  const found: NearPairs[] = [];
  let nearer = 0;
  for (let k = 0; k + 2 < within.length; k++) {
    const pairs = (16 * within[k]! - 10 * within[k + 1]! + within[k + 2]!) / 7;
    if (pairs <= nearer) continue;
    found.push({ exponent: top - OCTAVES.last + k, pairs: pairs - nearer });
    nearer = pairs;
  }
  return found;
}

/** Ordered pairs of rows whose keys are at most `distance` apart, each by the product of its weights. */
function pairsWithin({ keys, weights }: SortedKeys, distance: number): number {
  let pairs = 0;
  let sum = 0;
  let first = 0;
  for (let i = 0; i < keys.length; i++) {
    for (; keys[i]! - keys[first]! > distance; first++) sum -= weights?.[first] ?? 1;
    const weight = weights?.[i] ?? 1;
    pairs += 2 * weight * sum;
    sum += weight;
  }
  return pairs;
}
