import { KernelMemory } from '../src/linalg/kernels/kernel-memory.js';
import { loadRowKernels } from '../src/linalg/kernels/row-kernels.js';
import { loadTableKernels } from '../src/linalg/kernels/table-kernels.js';

/** What a worker thread keeps from task to task: one memory, and the kernels compiled over it. */
export const memory = new KernelMemory();
export const kernels = loadRowKernels(memory);
export const tableKernels = loadTableKernels(memory);
