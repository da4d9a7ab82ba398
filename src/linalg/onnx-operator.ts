import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Matrix } from './matrix.js';

type Values = Float32Array | Float64Array;

export interface OperatorOptions {
  /** y = a b (MatMul) or y = a b + c (Gemm). */
  operator: 'MatMul' | 'Gemm';
  dtype: 'float32' | 'float64';
  /** How many threads one run may use; 1 inside a worker. */
  threads: number;
  /** A b that stays the same: onnxruntime copies it, arranges it for its kernel once, and needs it no more. */
  b?: Matrix<Float32Array> | undefined;
}

/** One operator of onnxruntime, on its CPU kernels, as a session of its own. */
export class OnnxOperator {
  readonly #session: InferenceSession;
  readonly #dtype: 'float32' | 'float64';

  private constructor(session: InferenceSession, dtype: 'float32' | 'float64') {
    this.#session = session;
    this.#dtype = dtype;
  }

  static async create({ operator, dtype, threads, b }: OperatorOptions): Promise<OnnxOperator> {
    const { buffer, byteOffset, byteLength } = b?.values ?? new Float32Array();
    const session = await InferenceSession.create(oneOperatorModel({ operator, dtype, b }), {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // Both only pay off for graphs with intermediate tensors; here they would hold a second copy of every shape seen.
      enableCpuMemArena: false,
      enableMemPattern: false,
      ...(b === undefined
        ? {}
        : { externalData: [{ path: FIXED_FILE, data: new Uint8Array(buffer, byteOffset, byteLength) }] }),
    });
    return new OnnxOperator(session, dtype);
  }

  /** Runs the operator; the result is written to `y`, which may be an operand where the operator allows it. */
  async run(operands: Readonly<Record<string, Matrix<Values>>>, y: Matrix<Values>): Promise<void> {
    const feeds = Object.entries(operands).map(([name, matrix]) => [name, this.#tensor(matrix)] as const);
    const results = await this.#session.run(Object.fromEntries(feeds), { y: this.#tensor(y) });
    free(results.y!.data as Values);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  #tensor({ values, rows, columns }: Matrix<Values>): Tensor {
    return new Tensor(this.#dtype, values as never, [rows, columns]);
  }
}

const closedPort = new MessageChannel().port1;
closedPort.close();

/**
 * Frees the copy that onnxruntime makes of every result beside the one it was asked to write. Left to the garbage
 * collector, some hundred megabytes of them would lie around, each touched for the first time, and collecting them
 * would take a core from the kernels. A buffer that is sent where nobody receives is released on the spot.
 */
function free({ buffer }: Values): void {
  closedPort.postMessage(null, [buffer as ArrayBuffer]);
}

/** By this name the model refers to the bytes of a fixed b. */
const FIXED_FILE = 'b';

/**
 * The ONNX model of one operator as protobuf bytes: every field number below is from onnx/onnx.proto (ModelProto,
 * GraphProto, NodeProto, TensorProto, StringStringEntryProto, ValueInfoProto, TypeProto).
 */
function oneOperatorModel({ operator, dtype, b }: Omit<OperatorOptions, 'threads'>): Uint8Array {
  const operands = operator === 'Gemm' ? ['a', 'b', 'c'] : ['a', 'b'];
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
  const fixed = (matrix: Matrix<Float32Array>) => {
    const shape = [matrix.rows, matrix.columns].flatMap((size) => integer(1, size));
    const location = message(13, [...text(1, 'location'), ...text(2, FIXED_FILE)]);
    const external = integer(14, 1);
    return [...shape, ...integer(2, elementType), ...text(8, 'b'), ...location, ...external];
  };
  const node = [...operands.flatMap((name) => text(1, name)), ...text(2, 'y'), ...text(4, operator)];
  const inputs = operands.filter((name) => name !== 'b' || b === undefined);
  const graph = [
    ...message(1, node),
    ...text(2, operator),
    ...(b === undefined ? [] : message(5, fixed(b))),
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
