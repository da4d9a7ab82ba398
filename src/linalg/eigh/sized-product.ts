import type { SmallProductKernels } from '../kernels/eigh-kernels.js';
import type { KernelMemory } from '../kernels/kernel-memory.js';
import { checkShapes, type Matrix } from '../matrix.js';
import { Product } from '../product.js';

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

  /** Makes a product. @param open opens the product for large operands, which accumulates */
  constructor(small: SmallProducts, open: () => Promise<Product>) {
    this.#small = small;
    this.#open = open;
  }

  /** Adds A B to out, in place. Shapes [m, k] x [k, n] -> [m, n]; `out` must not overlap A or B. */
  async accumulate(
    a: Matrix<Float64Array>,
    b: Matrix<Float64Array>,
    out: Matrix<Float64Array>,
  ): Promise<void> {
    if (!this.#isSmall(a, b, out)) {
      this.#large ??= this.#open();
      await (await this.#large).accumulate(a, b, out);
      return;
    }
    checkShapes(a, b, out);
    const { accumulate } = this.#small.smallProducts;
    accumulate(a.values.byteOffset, b.values.byteOffset, a.rows, a.columns, b.columns, out.values.byteOffset);
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
}

/**
 * Runs `use` with a product that is released after it.
 * @param threads how many threads a large product may use
 */
export async function withProduct(
  threads: number,
  small: SmallProducts,
  use: (product: SizedProduct) => Promise<void>,
): Promise<void> {
  const product = new SizedProduct(small, () => Product.createAccumulating(threads));
  try {
    await use(product);
  } finally {
    await product.release();
  }
}
