import type { NeighbourSpace } from '../src/executor/tasks.js';
import type { Region } from '../src/linalg/kernels/kernel-memory.js';
import { neighbourKernels } from './neighbour-kernels.js';
import type { PartitionColumns } from './partition-columns.js';

/** Pairs that are computed at once, at most; more than there are queries in a unit. */
export const PAIRS = 65_536;

/** Kernel memory for exact values of pairs. */
export type PairRegions = Record<
  'pairs' | 'left' | 'right' | 'sums' | 'found' | 'centre' | 'weights',
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
    centre: d * 8,
    weights: d * 8,
  };
}

/** Queries, their projections by columns, and the coordinates and the measure that values are taken in. */
export interface ExactQueries {
  ids: Int32Array;
  /** Pointer to their projections, float32 [d, queries]. */
  projections: number;
  space: NeighbourSpace;
  isCosine: boolean;
}

/**
 * Computes exact values, in float64, of the first `count` pairs (query, row) in their region.
 *
 * Distances are taken from the differences of projections, and 1 - cosine is half the squared distance of the unit
 * vectors: equal rows are at 0 exactly, and near ones as accurate as far ones.
 *
 * @param columns where the rows lie, row 0 being that of the number `firstRow`
 * @returns the values, [count], valid until the next call
 */
export function exactValues(
  { ids, projections, space, isCosine }: ExactQueries,
  { columns, firstRow }: { columns: PartitionColumns; firstRow: number },
  { pairs, left, right, sums, centre, weights }: PairRegions,
  count: number,
): Float64Array {
  const { norms } = space;
  // Differences of projections need no mean taken off, which would only round them.
  if (isCosine) centre.float64.set(space.mean);
  else centre.float64.fill(0);
  weights.float64.set(space.weights);
  for (let k = 0; k < count; k++) {
    const [query, row] = [ids[pairs.int32[2 * k]!]!, firstRow + pairs.int32[2 * k + 1]!];
    left.float64[k] = isCosine ? 1 / norms[query]! : 1;
    right.float64[k] = isCosine ? 1 / norms[row]! : 1;
  }
  sums.float64.fill(0, 0, count);
  neighbourKernels.addSquares(
    projections,
    ids.length * 4,
    columns.offset,
    columns.columnStride,
    space.mean.length,
    centre.offset,
    weights.offset,
    pairs.offset,
    count,
    left.offset,
    right.offset,
    sums.offset,
  );
  const values = sums.float64.subarray(0, count);
  for (let k = 0; k < count; k++) values[k] = isCosine ? values[k]! / 2 : Math.sqrt(values[k]!);
  return values;
}
