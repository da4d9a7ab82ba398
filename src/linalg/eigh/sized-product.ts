import type { SmallProductKernels } from '../kernels/eigh-kernels.js';
import type { KernelMemory } from '../kernels/kernel-memory.js';
import { checkShapes, type Matrix } from '../matrix.js';
import type { Product } from '../product.js';

/** Multiplications up to which the kernel is as fast: a run of onnxruntime takes some 20 us before it begins. */
const SMALL = 2 ** 18;

/** Kernels of small products, and the memory in which their operands lie. */
export interface SmallProducts {
  memory: KernelMemory;
  smallProducts: SmallProductKernels;
}

/**
 * Dense products in float64, each by what is fastest for its size: a kernel, or onnxruntime, which is opened when the first
 * product needs it. Which one it is depends on the shapes alone, and on whether all operands lie in kernel memory.
 */
export class SizedProduct {
  readonly #small: SmallProducts;
  readonly #open: () => Promise<Product>;
  #large: Promise<Product> | null = null;

  /** Makes a product. @param open opens the product for large operands, of which the kind says what it can do */
  constructor(small: SmallProducts, open: () => Promise<Product>) {
    this.#small = small;
    this.#open = open;
  }

  /** Computes out = A B. Shapes [m, k] x [k, n] -> [m, n]; `out` must not overlap A or B. */
  async multiply(a: Matrix<Float64Array>, b: Matrix<Float64Array>, out: Matrix<Float64Array>): Promise<void> {
    if (this.#isSmall(a, b, out)) this.#run('multiply', a, b, out);
    else await (await this.#opened()).multiply(a, b, out);
  }

  /** Adds A B to out, in place. Shapes [m, k] x [k, n] -> [m, n]; `out` must not overlap A or B. */
  async accumulate(
    a: Matrix<Float64Array>,
    b: Matrix<Float64Array>,
    out: Matrix<Float64Array>,
  ): Promise<void> {
    if (this.#isSmall(a, b, out)) this.#run('accumulate', a, b, out);
    else await (await this.#opened()).accumulate(a, b, out);
  }

  /** Frees what was opened. */
  async release(): Promise<void> {
    await (await this.#large)?.release();
  }

  #isSmall(a: Matrix<Float64Array>, b: Matrix<Float64Array>, out: Matrix<Float64Array>): boolean {
    const { buffer } = this.#small.memory.memory;
    return (
      a.rows * a.columns * b.columns <= SMALL &&
      a.values.buffer === buffer &&
      b.values.buffer === buffer &&
      out.values.buffer === buffer
    );
  }

  #run(
    kernel: keyof SmallProductKernels,
    a: Matrix<Float64Array>,
    b: Matrix<Float64Array>,
    out: Matrix<Float64Array>,
  ): void {
    checkShapes(a, b, out);
    const run = this.#small.smallProducts[kernel];
    run(a.values.byteOffset, b.values.byteOffset, a.rows, a.columns, b.columns, out.values.byteOffset);
  }

  #opened(): Promise<Product> {
    this.#large ??= this.#open();
    return this.#large;
  }
}

/** Runs `use` with products that are released after it. */
export async function withProducts<Products extends readonly SizedProduct[]>(
  products: readonly [...Products],
  use: (products: readonly [...Products]) => Promise<void>,
): Promise<void> {
  try {
    await use(products);
  } finally {
    await Promise.all(products.map((product) => product.release()));
  }
}
