import { loadNeighbourKernels } from '../src/linalg/kernels/neighbour-kernels.js';
import { memory } from './context.js';

/** Kernels of the nearest neighbours, compiled over `memory`: apart from the others, which every thread needs. */
export const neighbourKernels = loadNeighbourKernels(memory);
