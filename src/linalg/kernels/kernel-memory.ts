import { RunError } from '../../errors.js';

const PAGE_BYTES = 65_536;
const MAXIMUM_PAGES = 65_536;
/** Regions start on cache lines, which every SIMD load and onnxruntime like best. */
const ALIGNMENT_BYTES = 64;

/** Stretch of kernel memory: `offset` is the pointer that a kernel takes, the views are what JavaScript reads. */
export interface Region {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int32: Int32Array;
}

/**
 * WebAssembly memory that a thread's kernels, its file reads and onnxruntime share without a copy. It grows to the
 * largest task seen and is reused by every later one.
 */
export class KernelMemory {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: MAXIMUM_PAGES });
  readonly #remedy: string;

  /** Makes an empty memory. @param remedy what to do where a task needs more than can be had, in words */
  constructor(remedy: string) {
    this.#remedy = remedy;
  }

  /**
   * Lays out one region for each named size in bytes. All earlier regions are void from then on: a task calls
   * this once, at its start. The contents are whatever an earlier task left.
   */
  allot<Name extends string>(sizes: Record<Name, number>): Record<Name, Region> {
    const names = Object.keys(sizes) as Name[];
    const offsets: number[] = [];
    let end = 0;
    for (const name of names) {
      offsets.push(end);
      end += Math.ceil(sizes[name] / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    }
    this.#reserve(end);
    const regions = names.map((name, index) => [name, this.#region(offsets[index]!, sizes[name])]);
    return Object.fromEntries(regions) as Record<Name, Region>;
  }

  #reserve(bytes: number): void {
    const missing = Math.ceil((bytes - this.memory.buffer.byteLength) / PAGE_BYTES);
    if (missing <= 0) return;
    try {
      this.memory.grow(missing);
    } catch (cause) {
      throw new RunError(
        `a task needs ${(bytes / 2 ** 20).toFixed(0)} MiB of kernel memory, which cannot be had ` +
          `(the limit is ${(MAXIMUM_PAGES * PAGE_BYTES) / 2 ** 20} MiB): ${this.#remedy}`,
        { cause },
      );
    }
  }

  #region(offset: number, byteLength: number): Region {
    const { buffer } = this.memory;
    return {
      offset,
      bytes: new Uint8Array(buffer, offset, byteLength),
      float32: new Float32Array(buffer, offset, Math.floor(byteLength / 4)),
      float64: new Float64Array(buffer, offset, Math.floor(byteLength / 8)),
      int32: new Int32Array(buffer, offset, Math.floor(byteLength / 4)),
    };
  }
}
