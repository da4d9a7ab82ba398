import { checkShapes, checkWhole, type Matrix, type Shape } from './matrix.js';
import { type FixedOperand, OnnxOperator } from './onnx-operator.js';

/**
 * Dense products out = A B in float32 with a B that stays the same, by onnxruntime on the CPU (MLAS). B is arranged
 * for the processor once, not at every call, which is a tenth of the time at 1,024 rows a call.
 *
 * The code that multiplies depends on the processor, so bits may differ between machines; on one machine an element's
 * bits depend only on its row of A and its column of B, not on the other rows, as long as A has at least two
 * rows (a single row is multiplied as a vector, with another order of summation).
 *
 * Memory: one copy of B; while it is created from memory, not from a file, one more beside the given one.
 */
export class FixedProduct {
  readonly #operator: OnnxOperator;
  readonly #b: Shape;

  private constructor(operator: OnnxOperator, b: Shape) {
    this.#operator = operator;
    this.#b = b;
  }

  /**
   * Arranges B for the products to come.
   * @param b [k, n], needed no more afterwards
   * @param threads how many threads one product may use
   */
  static async create(b: FixedOperand, threads: number): Promise<FixedProduct> {
    if ('values' in b) checkWhole(b);
    const { rows, columns } = b;
    const operator = await OnnxOperator.create({ operator: 'MatMul', dtype: 'float32', threads, b });
    return new FixedProduct(operator, { rows, columns, values: { length: rows * columns } });
  }

  /** Computes out = A B. Shapes [m, k] x [k, n] -> [m, n]; `out` must not overlap A. */
  async multiply(a: Matrix<Float32Array>, out: Matrix<Float32Array>): Promise<void> {
    checkShapes(a, this.#b, out);
    await this.#operator.run({ a }, out);
  }

  /** Frees the session and its copy of B. */
  async release(): Promise<void> {
    await this.#operator.release();
  }
}
