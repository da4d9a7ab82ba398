import { checkOuterShapes, type Matrix } from './matrix.js';
import { OnnxOperator } from './onnx-operator.js';

/** Sums of outer products of columns in float64, as covariances are, by onnxruntime on the CPU (MLAS). */
export class OuterProducts {
  readonly #operator: OnnxOperator;

  private constructor(operator: OnnxOperator) {
    this.#operator = operator;
  }

  /** Makes it ready. @param threads how many threads one call may use; 1 inside a worker */
  static async create(threads: number): Promise<OuterProducts> {
    return new OuterProducts(
      await OnnxOperator.create({ operator: 'GemmTransposed', dtype: 'float64', threads }),
    );
  }

  /**
   * Adds the outer products of the columns of A and of B, out += A B^T, in place. Shapes [m, k] and [n, k] -> [m, n]; `out` must
   * not overlap A or B, which may be parts of one matrix.
   */
  async add(a: Matrix<Float64Array>, b: Matrix<Float64Array>, out: Matrix<Float64Array>): Promise<void> {
    checkOuterShapes(a, b, out);
    await this.#operator.run({ a, b, c: out }, out);
  }

  /** Frees the session; that of one thread is kept for the next ones. */
  async release(): Promise<void> {
    await this.#operator.release();
  }
}
