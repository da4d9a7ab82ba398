import type { KernelMemory } from './kernel-memory.js';
import { loadKernels } from './load-kernels.js';

/** Exports of assembly/rows.ts, which documents them. Pointers and strides are byte counts. */
export interface RowKernels {
  decodeBfloat16(src: number, dst: number, count: number): void;
  decodeFloat16(src: number, dst: number, count: number): void;
  measureRows(
    src: number,
    rows: number,
    columns: number,
    vector: number,
    squares: number,
    products: number,
  ): void;
  probeRows(
    src: number,
    rows: number,
    columns: number,
    vectors: number,
    squares: number,
    fourths: number,
    products: number,
    productStride: number,
  ): void;
  addColumnSums(src: number, rows: number, columns: number, sums: number): void;
  transposeRows(src: number, rows: number, columns: number, dst: number, columnStride: number): void;
  gatherRows(src: number, columnStride: number, rows: number, columns: number, dst: number): void;
  centreColumns(src: number, rows: number, columns: number, from: number, mean: number, dst: number): void;
  foldColumns(
    src: number,
    rows: number,
    columns: number,
    columnStride: number,
    lambda: number,
    probeVectors: number,
    vectorStride: number,
    squares: number,
    causal: number,
    fourths: number,
    probes: number,
    probeStride: number,
    statistics: number,
  ): void;
}

/** Loads the kernels over rows and columns of projections over `memory`. */
export function loadRowKernels(memory: KernelMemory): RowKernels {
  return loadKernels('rows', memory);
}
