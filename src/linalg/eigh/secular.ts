import { RunError } from '../../errors.js';
import type { KernelMemory } from '../kernel-memory.js';
import type { SecularKernels } from './kernels.js';
import type { SharedState } from './shared-state.js';

/** From this order on a secular equation is worth the waking of the other threads. */
const WORTH_SHARING = 300;

/** A vector of the secular equation, as kernels see it and as JavaScript does. */
interface Vector {
  offset: number;
  float64: Float64Array;
}

type VectorName = 'd' | 'z' | 'squares' | 'poles' | 'offsets' | 'weights' | 'inverseNorms';
type Vectors = Record<VectorName, Vector>;

/** The bytes of each vector of a secular equation of the given order; kernels read them in pairs. */
export function secularVectorSizes(order: number): Record<VectorName, number> {
  const bytes = (order + 1) * 8;
  return {
    d: bytes,
    z: bytes,
    squares: bytes,
    poles: bytes,
    offsets: bytes,
    weights: bytes,
    inverseNorms: bytes,
  };
}

/** One thread's place among those that solve an equation together. */
export interface Place {
  shared: SharedState;
  index: number;
}

/**
 * Solves the secular equation of d and z, which `vectors` hold, [order], and rho: leaves in them its roots as poles
 * and offsets, and what its eigenvectors are formed of.
 */
export function solveSecular(
  vectors: Vectors,
  order: number,
  rho: number,
  kernels: SecularKernels,
  place: Place | null,
): void {
  const sharedBy = place !== null && order >= WORTH_SHARING ? place : null;
  if (sharedBy?.index === 0) {
    const { shared } = sharedBy;
    shared.problem[0] = order;
    shared.problem[1] = rho;
    shared.secular.d.set(vectors.d.float64.subarray(0, order));
    shared.secular.z.set(vectors.z.float64.subarray(0, order));
    shared.barrier.pass();
  }
  solveShare(vectors, order, rho, kernels, sharedBy);
}

/** Takes part in every equation that thread 0 shares, until it says that there are no more. */
export function assistSecular(memory: KernelMemory, kernels: SecularKernels, place: Place): void {
  const { problem, barrier, secular } = place.shared;
  for (;;) {
    barrier.pass();
    const order = problem[0]!;
    if (order === 0) return;
    const vectors = memory.allot(secularVectorSizes(order));
    vectors.d.float64.set(secular.d.subarray(0, order));
    vectors.z.float64.set(secular.z.subarray(0, order));
    solveShare(vectors, order, problem[1]!, kernels, place);
  }
}

function solveShare(
  vectors: Vectors,
  order: number,
  rho: number,
  kernels: SecularKernels,
  place: Place | null,
): void {
  const { d, z, squares, poles, offsets, weights, inverseNorms } = vectors;
  const [first, end] = place ? pairsOfThread(order, place.index, place.shared.buffers.threads) : [0, order];
  for (let i = 0; i < order; i++) squares.float64[i] = z.float64[i]! * z.float64[i]!;
  const failed = kernels.findRoots(
    d.offset,
    squares.offset,
    order,
    rho,
    first,
    end,
    poles.offset,
    offsets.offset,
  );
  if (failed >= 0) {
    throw new RunError(
      `the secular equation of a merge of order ${order} did not converge after 100 iterations (root ${failed})`,
    );
  }
  if (place) exchange(['poles', 'offsets']);
  kernels.fitWeights(d.offset, z.offset, poles.offset, offsets.offset, order, first, end, weights.offset);
  if (place) exchange(['weights']);
  kernels.invertNorms(
    d.offset,
    weights.offset,
    poles.offset,
    offsets.offset,
    order,
    first,
    end,
    inverseNorms.offset,
  );
  if (place) exchange(['inverseNorms']);

  function exchange(names: ('poles' | 'offsets' | 'weights' | 'inverseNorms')[]): void {
    const { secular, barrier } = place!.shared;
    for (const name of names) secular[name].set(vectors[name].float64.subarray(first, end), first);
    barrier.pass();
    for (const name of names) vectors[name].float64.set(secular[name].subarray(0, order));
  }
}

/** The roots first <= j < end of one thread; first is even, as the kernels want it. */
function pairsOfThread(order: number, index: number, threads: number): [number, number] {
  const pairs = Math.ceil(order / 2);
  const bound = (thread: number) => Math.min(order, 2 * Math.floor((pairs * thread) / threads));
  return [bound(index), index === threads - 1 ? order : bound(index + 1)];
}
