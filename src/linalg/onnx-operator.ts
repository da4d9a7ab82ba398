import path from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { freeBuffer } from './free-buffer.js';
import type { Matrix, StoredMatrix } from './matrix.js';
import { loadOnnxruntime } from './onnxruntime.js';

type Values = Float32Array | Float64Array;

/** Float32, in memory or in a file; the file is mapped, which saves two copies. */
export type FixedOperand = Matrix<Float32Array> | StoredMatrix;

export interface OperatorOptions {
  /** y = a b (MatMul) or y = a b + c (Gemm). */
  operator: 'MatMul' | 'Gemm';
  dtype: 'float32' | 'float64';
  /** How many threads one run may use; 1 inside a worker. */
  threads: number;
  /** A b that stays the same: onnxruntime arranges it for its kernel once, and needs the original no more. */
  b?: FixedOperand | undefined;
}

/** One operator of onnxruntime, on its CPU kernels, as a session of its own. */
export class OnnxOperator {
  readonly #session: InferenceSession;
  readonly #tensor: (matrix: Matrix<Values>) => Tensor;

  private constructor(session: InferenceSession, tensor: (matrix: Matrix<Values>) => Tensor) {
    this.#session = session;
    this.#tensor = tensor;
  }

  static async create({ operator, dtype, threads, b }: OperatorOptions): Promise<OnnxOperator> {
    const { InferenceSession, Tensor } = await loadOnnxruntime();
    const session = await InferenceSession.create(oneOperatorModel({ operator, dtype, b }), {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // Both only pay off for graphs with intermediate tensors; here they would hold a second copy of every shape seen.
      enableCpuMemArena: false,
      enableMemPattern: false,
      ...(b === undefined ? {} : placeOf(b)),
    });
    return new OnnxOperator(
      session,
      ({ values, rows, columns }) => new Tensor(dtype, values as never, [rows, columns]),
    );
  }

  /** Runs the operator; the result is written to `y`, which may be an operand where the operator allows it. */
  async run(operands: Readonly<Record<string, Matrix<Values>>>, y: Matrix<Values>): Promise<void> {
    const feeds = Object.entries(operands).map(([name, matrix]) => [name, this.#tensor(matrix)] as const);
    const results = await this.#session.run(Object.fromEntries(feeds), { y: this.#tensor(y) });
    // onnxruntime makes a copy of every result beside the one it was asked to write. Left to the garbage collector,
    // hundreds of megabytes of them would lie around, and collecting them would take a core from the kernels.
    freeBuffer((results.y!.data as Values).buffer as ArrayBuffer);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** By this name the model refers to a fixed b in memory. */
const IN_MEMORY = 'b';

/** The session options that say where the bytes of a fixed b are. */
function placeOf(b: FixedOperand): InferenceSession.SessionOptions {
  if ('file' in b)
    return { extra: { session: { model_external_initializers_file_folder_path: path.dirname(b.file) } } };
  const { buffer, byteOffset, byteLength } = b.values;
  return { externalData: [{ path: IN_MEMORY, data: new Uint8Array(buffer, byteOffset, byteLength) }] };
}

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
  const fixed = (operand: FixedOperand) => {
    const shape = [operand.rows, operand.columns].flatMap((size) => integer(1, size));
    const [location, offset] =
      'file' in operand ? [path.basename(operand.file), operand.byteOffset] : [IN_MEMORY, 0];
    const place = { location, offset, length: operand.rows * operand.columns * 4 };
    const entries = Object.entries(place).flatMap(([key, value]) =>
      message(13, [...text(1, key), ...text(2, String(value))]),
    );
    const external = integer(14, 1);
    return [...shape, ...integer(2, elementType), ...text(8, 'b'), ...entries, ...external];
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
