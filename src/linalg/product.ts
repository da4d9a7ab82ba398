import { checkShapes, type Matrix } from './matrix.js';
import { OnnxOperator } from './onnx-operator.js';

/** Dense products in float64 by onnxruntime's CPU kernels (MLAS), the fastest that npm alone brings. */
export class Product {
  readonly #operator: OnnxOperator;
  readonly #accumulates: boolean;

  private constructor(operator: OnnxOperator, accumulates: boolean) {
    this.#operator = operator;
    this.#accumulates = accumulates;
  }

  /** `threads`: how many threads one product may use; 1 inside a worker. */
  static async create(threads: number): Promise<Product> {
    return new Product(await OnnxOperator.create({ operator: 'MatMul', dtype: 'float64', threads }), false);
  }

  /** The same with `accumulate` (out += A B, in place) instead of `multiply`. */
  static async createAccumulating(threads: number): Promise<Product> {
    return new Product(await OnnxOperator.create({ operator: 'Gemm', dtype: 'float64', threads }), true);
  }

  /** out = A B. Shapes [m, k] x [k, n] -> [m, n]; `out` must not overlap A or B. */
  async multiply(a: Matrix<Float64Array>, b: Matrix<Float64Array>, out: Matrix<Float64Array>): Promise<void> {
    if (this.#accumulates) throw new TypeError('this product accumulates: call accumulate');
    checkShapes(a, b, out);
    await this.#operator.run({ a, b }, out);
  }

  /** out += A B, written in place. Shapes as for `multiply`. */
  async accumulate(
    a: Matrix<Float64Array>,
    b: Matrix<Float64Array>,
    out: Matrix<Float64Array>,
  ): Promise<void> {
    if (!this.#accumulates) throw new TypeError('this product does not accumulate: call multiply');
    checkShapes(a, b, out);
    await this.#operator.run({ a, b, c: out }, out);
  }

  async release(): Promise<void> {
    await this.#operator.release();
  }
}
