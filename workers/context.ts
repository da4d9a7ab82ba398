import { KernelMemory } from '../src/linalg/kernels/kernel-memory.js';
import { loadRowKernels } from '../src/linalg/kernels/row-kernels.js';
import { loadTableKernels } from '../src/linalg/kernels/table-kernels.js';

/** Memory that a worker thread keeps from task to task. */
export const memory = new KernelMemory('lower --partition-rows');
/** Kernels over rows and columns of projections, compiled over `memory`. */
export const kernels = loadRowKernels(memory);
/** Kernels of the derived geometry, compiled over `memory`. */
export const tableKernels = loadTableKernels(memory);
