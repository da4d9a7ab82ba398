import { InferenceSession, Tensor } from 'onnxruntime-node';

/** A dense row-major matrix, `values.length === rows * columns`. Its buffer may be WebAssembly memory, not shared memory. */
export interface Matrix<T extends Float32Array | Float64Array> {
  values: T;
  rows: number;
  columns: number;
}

/**
 * Dense products by onnxruntime's CPU kernels (MLAS), the fastest that npm alone brings.
 *
 * Which kernel runs depends on the processor, so bits may differ between machines; on one machine an element's
 * bits depend only on its row of A and its column of B, not on the other rows, as long as A has at least two
 * rows (a single row goes to a matrix-vector kernel with another summation order).
 */
export class Product<T extends Float32Array | Float64Array> {
  readonly #session: InferenceSession;
  readonly #dtype: 'float32' | 'float64';
  readonly #accumulates: boolean;

  private constructor(session: InferenceSession, dtype: 'float32' | 'float64', accumulates: boolean) {
    this.#session = session;
    this.#dtype = dtype;
    this.#accumulates = accumulates;
  }

  /** `threads`: how many threads one product may use; 1 inside a worker. */
  static async create(dtype: 'float32', threads: number): Promise<Product<Float32Array>>;
  static async create(dtype: 'float64', threads: number): Promise<Product<Float64Array>>;
  static async create(dtype: 'float32' | 'float64', threads: number): Promise<Product<never>> {
    return new Product(await createSession('MatMul', dtype, threads), dtype, false);
  }

  /** The same with `accumulate` (out += A B, in place) instead of `multiply`. */
  static async createAccumulating(dtype: 'float64', threads: number): Promise<Product<Float64Array>> {
    return new Product(await createSession('Gemm', dtype, threads), dtype, true);
  }

  /** out = A B. Shapes [m, k] x [k, n] -> [m, n]; `out` must not overlap A or B. */
  async multiply(a: Matrix<T>, b: Matrix<T>, out: Matrix<T>): Promise<void> {
    if (this.#accumulates) throw new TypeError('this product accumulates: call accumulate');
    checkShapes(a, b, out);
    await this.#session.run({ a: this.#tensor(a), b: this.#tensor(b) }, { y: this.#tensor(out) });
  }

  /** out += A B, written in place. Shapes as for `multiply`. */
  async accumulate(a: Matrix<T>, b: Matrix<T>, out: Matrix<T>): Promise<void> {
    if (!this.#accumulates) throw new TypeError('this product does not accumulate: call multiply');
    checkShapes(a, b, out);
    const y = this.#tensor(out);
    await this.#session.run({ a: this.#tensor(a), b: this.#tensor(b), c: y }, { y });
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  #tensor({ values, rows, columns }: Matrix<T>): Tensor {
    return new Tensor(this.#dtype, values as never, [rows, columns]);
  }
}

/** @throws RangeError when out = A B does not fit, or an array is not its shape */
export function checkShapes(a: Shape, b: Shape, out: Shape): void {
  const fits = a.columns === b.rows && out.rows === a.rows && out.columns === b.columns;
  if (fits && [a, b, out].every(({ values, rows, columns }) => values.length === rows * columns)) return;
  const text = (m: Shape) => `${m.rows} x ${m.columns} (${m.values.length} values)`;
  throw new RangeError(`product of ${text(a)} and ${text(b)} does not fit ${text(out)}`);
}

type Shape = Matrix<Float32Array | Float64Array>;

async function createSession(
  operator: 'MatMul' | 'Gemm',
  dtype: 'float32' | 'float64',
  threads: number,
): Promise<InferenceSession> {
  return InferenceSession.create(oneOperatorModel(operator, dtype), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // Both only pay off for graphs with intermediate tensors; here they would hold a second copy of every shape seen.
    enableCpuMemArena: false,
    enableMemPattern: false,
  });
}

/**
 * The ONNX model of one operator, y = a b (MatMul) or y = a b + c (Gemm), as protobuf bytes: every field
 * number below is from onnx/onnx.proto (ModelProto, GraphProto, NodeProto, ValueInfoProto, TypeProto).
 */
function oneOperatorModel(operator: 'MatMul' | 'Gemm', dtype: 'float32' | 'float64'): Uint8Array {
  const inputs = operator === 'Gemm' ? ['a', 'b', 'c'] : ['a', 'b'];
  const dimensions: Record<string, [string, string]> = {
    a: ['m', 'k'],
    b: ['k', 'n'],
    c: ['m', 'n'],
    y: ['m', 'n'],
  };
  const elementType = dtype === 'float32' ? 1 : 11;
  const valueInfo = (name: string) => {
    const shape = dimensions[name]!.flatMap((dimension) => message(1, text(2, dimension)));
    const tensor = [...integer(1, elementType), ...message(2, shape)];
    return [...text(1, name), ...message(2, message(1, tensor))];
  };
  const node = [...inputs.flatMap((name) => text(1, name)), ...text(2, 'y'), ...text(4, operator)];
  const graph = [
    ...message(1, node),
    ...text(2, operator),
    ...inputs.flatMap((name) => message(11, valueInfo(name))),
    ...message(12, valueInfo('y')),
  ];
  const irVersion = 8;
  const opset = 17;
  return Uint8Array.from([...integer(1, irVersion), ...message(8, integer(2, opset)), ...message(7, graph)]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

function integer(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function message(field: number, body: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(body.length), ...body];
}

function text(field: number, value: string): number[] {
  return message(field, [...Buffer.from(value)]);
}
