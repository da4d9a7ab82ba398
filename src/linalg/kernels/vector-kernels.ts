import type { KernelMemory } from './kernel-memory.js';
import { loadKernels } from './load-kernels.js';

/** Exports of assembly/vectors.ts, which documents them. Pointers are byte counts. */
export interface VectorKernels {
  offerTokens(
    products: number,
    rows: number,
    vectors: number,
    firstToken: number,
    norms: number,
    top: number,
    sums: number,
    floors: number,
    keys: number,
    tokens: number,
  ): void;
}

/** Loads the kernels over products of tokens with vectors. */
export function loadVectorKernels(memory: KernelMemory): VectorKernels {
  return loadKernels('vectors', memory);
}
