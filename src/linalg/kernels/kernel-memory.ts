import { RunError } from '../../errors.js';
import { DIRECT_BLOCK_BYTES, LEAST_DIRECT_BYTES } from '../../files/direct-io.js';

const PAGE_BYTES = 65_536;
const MAXIMUM_PAGES = 65_536;
/** Regions start on cache lines, which every SIMD load and onnxruntime like best; large ones where direct transfers can. */
const ALIGNMENT_BYTES = 64;

/** Stretch of kernel memory: `offset` is the pointer that a kernel takes, the views are what JavaScript reads. */
export class Region {
  readonly offset: number;
  readonly #buffer: ArrayBuffer;
  readonly #length: number;
  #bytes: Uint8Array | undefined;
  #float32: Float32Array | undefined;
  #float64: Float64Array | undefined;
  #int32: Int32Array | undefined;

  /** Views made when they are first asked for: to make all of them takes longer than many a kernel. */
  constructor(buffer: ArrayBuffer, offset: number, byteLength: number) {
    this.offset = offset;
    this.#buffer = buffer;
    this.#length = byteLength;
  }

  get bytes(): Uint8Array {
    this.#bytes ??= new Uint8Array(this.#buffer, this.offset, this.#length);
    return this.#bytes;
  }

  get float32(): Float32Array {
    this.#float32 ??= new Float32Array(this.#buffer, this.offset, Math.floor(this.#length / 4));
    return this.#float32;
  }

  get float64(): Float64Array {
    this.#float64 ??= new Float64Array(this.#buffer, this.offset, Math.floor(this.#length / 8));
    return this.#float64;
  }

  get int32(): Int32Array {
    this.#int32 ??= new Int32Array(this.#buffer, this.offset, Math.floor(this.#length / 4));
    return this.#int32;
  }
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
      const alignment = sizes[name] < LEAST_DIRECT_BYTES ? ALIGNMENT_BYTES : DIRECT_BLOCK_BYTES;
      const offset = Math.ceil(end / alignment) * alignment;
      offsets.push(offset);
      end = offset + Math.ceil(sizes[name] / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    }
    this.#reserve(end);
    const { buffer } = this.memory;
    const regions = names.map((name, index) => [name, new Region(buffer, offsets[index]!, sizes[name])]);
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
}
