import type { KernelMemory } from './kernel-memory.js';
import { loadKernels } from './load-kernels.js';

/** Exports of assembly/neighbours.ts, which documents them. Pointers and strides are byte counts. */
export interface NeighbourKernels {
  sumColumns(src: number, rows: number, columns: number, columnStride: number, sums: number): void;
  addNorms(
    src: number,
    rows: number,
    columns: number,
    columnStride: number,
    mean: number,
    weights: number,
    sums: number,
  ): void;
  addHashes(
    src: number,
    rows: number,
    columns: number,
    columnStride: number,
    keys: number,
    hashes: number,
  ): void;
  copyColumns(
    src: number,
    columns: number,
    columnStride: number,
    rowsOf: number,
    count: number,
    target: number,
    stride: number,
  ): void;
  unitColumns(
    src: number,
    rows: number,
    columns: number,
    columnStride: number,
    mean: number,
    root: number,
    inverses: number,
    target: number,
  ): void;
  unitRows(
    src: number,
    rows: number,
    columns: number,
    columnStride: number,
    mean: number,
    root: number,
    inverses: number,
    target: number,
  ): void;
  offerTile(
    tile: number,
    rows: number,
    queries: number,
    firstRow: number,
    scales: number,
    offsets: number,
    factors: number,
    own: number,
    ownOffsets: number,
    floors: number,
    places: number,
    lists: number,
    capacity: number,
    listOf: number,
    rowLists: number,
    rowCapacity: number,
  ): void;
  listAbove(
    tile: number,
    rows: number,
    queries: number,
    firstRow: number,
    scales: number,
    offsets: number,
    factors: number,
    own: number,
    thresholds: number,
    begin: number,
    pairs: number,
    capacity: number,
    found: number,
  ): number;
  addSquares(
    queries: number,
    queryStride: number,
    src: number,
    columnStride: number,
    columns: number,
    centres: number,
    weights: number,
    pairs: number,
    count: number,
    left: number,
    right: number,
    sums: number,
  ): void;
  addRowSquares(
    query: number,
    src: number,
    rows: number,
    columns: number,
    columnStride: number,
    centre: number,
    weights: number,
    right: number,
    sums: number,
  ): void;
}

/** Queries that `offerTile` looks at together: how far its arrays a query go on, and a tile may be read beyond its end. */
export const QUERY_STEP = 16;

/** Loads the kernels of the nearest neighbours over `memory`. */
export function loadNeighbourKernels(memory: KernelMemory): NeighbourKernels {
  return loadKernels('neighbours', memory);
}
