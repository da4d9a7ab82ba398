import type { KernelMemory } from './kernel-memory.js';
import { loadKernels } from './load-kernels.js';

/** Exports of assembly/tables.ts, which documents them. Pointers and strides are byte counts. */
export interface TableKernels {
  foldTokens(
    src: number,
    rows: number,
    columns: number,
    columnStride: number,
    mean: number,
    lambda: number,
    centred: number,
    causalCentred: number,
    centroid: number,
    causalCentroid: number,
    fourth: number,
  ): void;
  foldDirections(
    src: number,
    rows: number,
    columns: number,
    columnStride: number,
    firstColumn: number,
    roots: number,
    places: number,
    thresholds: number,
    values: number,
    columnsOf: number,
  ): void;
  loadColumn(src: number, rows: number, column: number): void;
  measureMoments(column: number, rows: number, mean: number, sums: number, maxima: number): void;
  countBins(column: number, rows: number, scale: number, origin: number, bins: number, counts: number): void;
  sumBins(
    counts: number,
    used: number,
    origin: number,
    shift: number,
    first: number,
    bins: number,
    target: number,
  ): void;
  measureAngles(
    column: number,
    rows: number,
    weight: number,
    norms: number,
    inverses: number,
    cosines: number,
    polynomial: number,
    sums: number,
    aligned: number,
    maxima: number,
  ): void;
  selectExtremes(
    values: number,
    column: number,
    rows: number,
    sign: number,
    weight: number,
    norms: number,
    maxima: number,
    top: number,
    keys: number,
    rowsOf: number,
    scratch: number,
  ): void;
  hashRows(src: number, rows: number, rowBytes: number, hashes: number): void;
}

/** Rows of a block, as assembly/tables.ts has them. */
const BLOCK_ROWS = 64;

/** Bytes of a list of maxima of `rows` rows, of which `measureMoments` and `measureAngles` store two: [blocks, 4]. */
export function maximaBytes(rows: number): number {
  return Math.ceil(rows / BLOCK_ROWS) * 16;
}

/**
 * Bytes that `selectExtremes` works in: two lists of the candidates of two blocks, a float64 and an int32 each, and a
 * list of maxima.
 */
export function selectionBytes(rows: number): number {
  return 2 * (2 * BLOCK_ROWS) * 12 + maximaBytes(rows);
}

/** Loads the kernels of the derived geometry over `memory`. */
export function loadTableKernels(memory: KernelMemory): TableKernels {
  return loadKernels('tables', memory);
}
