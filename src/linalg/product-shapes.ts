/**
 * Shapes in which products in float64 are fast. A product reads the same column of many rows of its left operand at once:
 * where these begin a multiple of 4,096 bytes apart, as they do at a hidden size of 2,560 or 4,096, they all fall into the same
 * few lines of a core's cache and drive each other out. And what it writes should stay in the core's cache. Both together make
 * products half as fast again on Zen 4.
 */
import { type RowRange, splitRows } from '../plan/row-ranges.js';
import type { Matrix } from './matrix.js';

/** Float64 values of 4,096 bytes. */
const PAGE = 512;

/** Float64 values of a line of the cache. */
const LINE = 8;

/**
 * Most rows that a product sums up at a time, where its left operand holds them as columns: no whole pages, and so many that to
 * fetch and to copy the sums takes little of its time.
 */
export const SUMMED_ROWS = 2 * PAGE + LINE;

/** Most rows of a product that are computed at a time: onnxruntime makes a copy of what it has written. */
export const TILE_ROWS = 640;

/** How long rows of `columns` values should be in a left operand: where these are whole pages, a line of zeros longer. */
export function paddedLength(columns: number): number {
  return columns % PAGE === 0 ? columns + LINE : columns;
}

/** Divides rows that are summed up into strips of about the same size, of at most `SUMMED_ROWS`. */
export function summedStrips(rows: number): RowRange[] {
  return splitEvenly(rows, SUMMED_ROWS);
}

/** Rows of a left operand, and of the product that they give. */
export interface RowTile {
  a: Matrix<Float64Array>;
  out: Matrix<Float64Array>;
}

/** Divides rows of a product into tiles of about the same size, of at most `TILE_ROWS`. */
export function tilesOf(rows: number): RowRange[] {
  return splitEvenly(rows, TILE_ROWS);
}

/**
 * Divides a product into tiles of rows, of about the same size, which are multiplied one after another.
 * @param a left operand, [m, k]
 * @param out the product, [m, n]
 */
export function rowTiles(a: Matrix<Float64Array>, out: Matrix<Float64Array>): RowTile[] {
  return tilesOf(a.rows).map((rows) => ({ a: rowsOf(a, rows), out: rowsOf(out, rows) }));
}

/** Some rows of a matrix, as they lie in its memory. */
export function rowsOf(
  { values, columns }: Matrix<Float64Array>,
  { first, count }: RowRange,
): Matrix<Float64Array> {
  return { values: values.subarray(first * columns, (first + count) * columns), rows: count, columns };
}

function splitEvenly(rows: number, most: number): RowRange[] {
  return splitRows(rows, Math.ceil(rows / Math.ceil(rows / most)));
}
