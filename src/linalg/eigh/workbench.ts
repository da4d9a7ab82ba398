import {
  type HouseholderKernels,
  type KernelVariant,
  loadHouseholderKernels,
  loadQlKernels,
  loadSecularKernels,
  loadSmallProductKernels,
  loadUnblockedKernels,
  type QlKernels,
  type SecularKernels,
  type SmallProductKernels,
  type UnblockedKernels,
} from '../kernels/eigh-kernels.js';
import { KernelMemory } from '../kernels/kernel-memory.js';
import { PANELS_REMEDY } from './packed-triangle.js';

/** Memory with which an idle workbench is kept: what an order of some hundreds needs. */
const KEPT_BYTES = 4 * 2 ** 20;

/** Kernels of an eigensolver over a memory of their own. One decomposition at a time works at it. */
export class Workbench {
  /** Workbenches that are free, one of a variant: to make one takes half as long as a small decomposition. */
  static readonly #idle = new Map<KernelVariant, Workbench>();

  readonly memory = new KernelMemory(PANELS_REMEDY);
  readonly householder: HouseholderKernels;
  readonly unblocked: UnblockedKernels;
  readonly secular: SecularKernels;
  readonly ql: QlKernels;
  readonly smallProducts: SmallProductKernels;

  private constructor(readonly variant: KernelVariant) {
    this.householder = loadHouseholderKernels(this.memory, variant);
    this.unblocked = loadUnblockedKernels(this.memory, variant);
    this.secular = loadSecularKernels(this.memory);
    this.ql = loadQlKernels(this.memory);
    this.smallProducts = loadSmallProductKernels(this.memory, variant);
  }

  /** Takes the idle workbench of this thread of the process, or makes one. */
  static take(variant: KernelVariant): Workbench {
    const idle = Workbench.#idle.get(variant);
    Workbench.#idle.delete(variant);
    return idle ?? new Workbench(variant);
  }

  /** Leaves the workbench to the next who takes one, unless its memory is large. */
  leave(): void {
    if (this.memory.memory.buffer.byteLength <= KEPT_BYTES) Workbench.#idle.set(this.variant, this);
  }
}
