import type { RowSource } from './checkpoint.js';

/** Rows of a matrix by their numbers, in this order. */
export interface PickedRows {
  source: RowSource;
  /** int32 [n] */
  ids: Int32Array;
}

/** Some of picked rows, [first, first + count) of them. */
export function someOf(
  { source, ids }: PickedRows,
  { first, count }: { first: number; count: number },
): PickedRows {
  return { source, ids: ids.slice(first, first + count) };
}
