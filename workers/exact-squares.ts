import type { Coordinates } from '../src/executor/tasks.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { measureValue } from '../src/linalg/neighbour-scores.js';
import { neighbourKernels } from './neighbour-kernels.js';
import type { ColumnsAt } from './partition-columns.js';

/** Pairs that are computed at once, at most: what is known of them stays in the cache. More than there are queries in a unit. */
export const PAIRS = 8192;

/** Kernel memory for exact values of pairs. */
export type PairRegions = Record<
  'pairs' | 'left' | 'right' | 'sums' | 'found' | 'centres' | 'weights',
  Region
>;

/** Bytes of these regions. @param d length of the rows */
export function pairSizes(d: number): Record<keyof PairRegions, number> {
  const ofPairs = PAIRS * 8;
  return {
    pairs: ofPairs,
    left: ofPairs,
    right: ofPairs,
    sums: ofPairs,
    found: 4,
    centres: 2 * d * 8,
    weights: d * 8,
  };
}

/** One side of pairs: vectors by columns, float32, and what is known of them. */
export interface Side extends ColumnsAt {
  /** Norm of vector k of this side, in the coordinates of the measure. */
  normOf: (k: number) => number;
  /** What is taken off before a direction is looked at, [d]; null where that is nothing. */
  centre: Float64Array | null;
}

/**
 * Computes exact values, in float64, of the first `count` pairs (query, row) in their region.
 *
 * Distances are taken from the differences of projections, and 1 - cosine is half the squared distance of the unit
 * vectors: equal rows are at 0 exactly, and near ones as accurate as far ones.
 *
 * @returns the values, [count], valid until the next call
 */
export function exactValues(
  { isCosine, weights }: { isCosine: boolean; weights: Coordinates['weights'] },
  { queries, rows }: { queries: Side; rows: Side },
  regions: PairRegions,
  count: number,
): Float64Array {
  const { pairs, left, right, sums, centres } = regions;
  const d = weights.length;
  for (const [k, { centre }] of [queries, rows].entries()) {
    // Differences of projections need no mean taken off, which would only round them.
    if (isCosine && centre !== null) centres.float64.set(centre, k * d);
    else centres.float64.fill(0, k * d, (k + 1) * d);
  }
  regions.weights.float64.set(weights);
  for (let k = 0; k < count; k++) {
    left.float64[k] = isCosine ? 1 / queries.normOf(pairs.int32[2 * k]!) : 1;
    right.float64[k] = isCosine ? 1 / rows.normOf(pairs.int32[2 * k + 1]!) : 1;
  }
  sums.float64.fill(0, 0, count);
  neighbourKernels.addSquares(
    queries.offset,
    queries.columnStride,
    rows.offset,
    rows.columnStride,
    d,
    centres.offset,
    regions.weights.offset,
    pairs.offset,
    count,
    left.offset,
    right.offset,
    sums.offset,
  );
  const values = sums.float64.subarray(0, count);
  for (let k = 0; k < count; k++) values[k] = measureValue({ isCosine, d }, values[k]!);
  return values;
}
