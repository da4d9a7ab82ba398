import { checkShapes, type Matrix } from './matrix.js';
import { OnnxOperator } from './onnx-operator.js';

/** Dense products in float64 by onnxruntime on the CPU (MLAS), the fastest that npm alone brings. */
export class Product {
  readonly #operator: OnnxOperator;
  readonly #accumulates: boolean;

  private constructor(operator: OnnxOperator, accumulates: boolean) {
    this.#operator = operator;
    this.#accumulates = accumulates;
  }

  /**
   * Makes a product that multiplies: out = A B.
   * @param threads how many threads one product may use; 1 inside a worker
   */
  static async create(threads: number): Promise<Product> {
    return new Product(await OnnxOperator.create({ operator: 'MatMul', dtype: 'float64', threads }), false);
  }

  /**
   * Makes a product that accumulates: out += A B, in place.
   * @param threads how many threads one product may use; 1 inside a worker
   */
  static async createAccumulating(threads: number): Promise<Product> {
    return new Product(await OnnxOperator.create({ operator: 'Gemm', dtype: 'float64', threads }), true);
  }

  /** Computes out = A B. Shapes [m, k] x [k, n] -> [m, n]; `out` must not overlap A or B. */
  async multiply(a: Matrix<Float64Array>, b: Matrix<Float64Array>, out: Matrix<Float64Array>): Promise<void> {
    if (this.#accumulates) throw new TypeError('this product accumulates: call accumulate');
    checkShapes(a, b, out);
    await this.#operator.run({ a, b }, out);
  }

  /** Adds A B to out, in place. Shapes [m, k] x [k, n] -> [m, n]; `out` must not overlap A or B. */
  async accumulate(
    a: Matrix<Float64Array>,
    b: Matrix<Float64Array>,
    out: Matrix<Float64Array>,
  ): Promise<void> {
    if (!this.#accumulates) throw new TypeError('this product does not accumulate: call multiply');
    checkShapes(a, b, out);
    await this.#operator.run({ a, b, c: out }, out);
  }

  /** Frees the session; that of one thread is kept for the next product. */
  async release(): Promise<void> {
    await this.#operator.release();
  }
}
