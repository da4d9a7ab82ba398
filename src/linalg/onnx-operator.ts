import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { freeBuffer } from './free-buffer.js';
import type { Matrix, StoredMatrix } from './matrix.js';
import { loadOnnxruntime } from './onnxruntime.js';

type Values = Float32Array | Float64Array;

/** Right operand in float32 that stays the same, in memory or in a file; the file is mapped, which saves two copies. */
export type FixedOperand = Matrix<Float32Array> | StoredMatrix;

/** Operator to make, its type, its threads, and its right operand where that stays the same. */
export interface OperatorOptions {
  /** MatMul: y = a b. Gemm: y = a b + c. GemmTransposed: y = a b^T + c. */
  operator: 'MatMul' | 'Gemm' | 'GemmTransposed';
  dtype: 'float32' | 'float64';
  /** Threads that one run may use; 1 inside a worker. */
  threads: number;
  /** What computes: the processor where nothing is said, or a WebGPU device, which knows MatMul in float32 alone. */
  provider?: 'cpu' | 'webgpu';
  /** Operand b that stays the same: onnxruntime arranges it once, and needs the original no more. */
  b?: FixedOperand | undefined;
}

/** One operator of onnxruntime as a session of its own. */
export class OnnxOperator {
  /** Operators of one thread without a fixed operand, one of a kind: they take next to nothing. */
  static readonly #kept = new Map<string, Promise<OnnxOperator>>();

  readonly #session: InferenceSession;
  readonly #tensor: (matrix: Matrix<Values>) => Tensor;
  readonly #isKept: boolean;

  private constructor(
    session: InferenceSession,
    tensor: (matrix: Matrix<Values>) => Tensor,
    { isKept }: { isKept: boolean },
  ) {
    this.#session = session;
    this.#tensor = tensor;
    this.#isKept = isKept;
  }

  /**
   * Makes a session whose whole model is the operator. That of one thread without a fixed operand is kept in this thread of
   * the process for all that ask for it: to make and to free it would take longer than a small decomposition.
   */
  static create(options: OperatorOptions): Promise<OnnxOperator> {
    const { operator, dtype, threads, b } = options;
    if (threads > 1 || b !== undefined) return OnnxOperator.#open(options, { isKept: false });
    const kind = `${operator} ${dtype}`;
    const known = OnnxOperator.#kept.get(kind);
    if (known !== undefined) return known;
    const made = OnnxOperator.#open(options, { isKept: true });
    OnnxOperator.#kept.set(kind, made);
    // Whoever asks next tries again.
    made.catch(() => OnnxOperator.#kept.delete(kind));
    return made;
  }

  static async #open(options: OperatorOptions, kept: { isKept: boolean }): Promise<OnnxOperator> {
    const { operator, dtype, threads, provider = 'cpu', b: given } = options;
    // onnxruntime maps no file through a link that leads out of the folder that it is given.
    const b = given !== undefined && 'file' in given ? { ...given, file: realpathSync(given.file) } : given;
    const { InferenceSession, Tensor } = await loadOnnxruntime();
    const session = await InferenceSession.create(oneOperatorModel({ operator, dtype, b }), {
      executionProviders: [provider],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // Both only pay off for graphs with intermediate tensors; here they would hold a second copy of every shape seen.
      enableCpuMemArena: false,
      enableMemPattern: false,
      ...(b === undefined || 'file' in b ? {} : { externalData: [externalData(b)] }),
      extra: {
        session: {
          // Nothing falls back silently to the processor.
          disable_cpu_ep_fallback: provider === 'cpu' ? '0' : '1',
          ...(b !== undefined && 'file' in b
            ? { model_external_initializers_file_folder_path: path.dirname(b.file) }
            : {}),
        },
      },
    });
    return new OnnxOperator(
      session,
      ({ values, rows, columns }) => new Tensor(dtype, values as never, [rows, columns]),
      kept,
    );
  }

  /** Runs the operator; the result is written to `y`, which may be an operand where the operator allows it. */
  async run(operands: Readonly<Record<string, Matrix<Values>>>, y: Matrix<Values>): Promise<void> {
    const feeds = Object.entries(operands).map(([name, matrix]) => [name, this.#tensor(matrix)] as const);
    const results = await this.#session.run(Object.fromEntries(feeds), { y: this.#tensor(y) });
    // onnxruntime makes a copy of every result beside the one it was asked to write. Left to the garbage collector,
    // hundreds of megabytes of them would lie around, and collecting them would take a core from the products.
    freeBuffer((results.y!.data as Values).buffer as ArrayBuffer);
  }

  /** Frees the session, but for one that is kept. */
  async release(): Promise<void> {
    if (!this.#isKept) await this.#session.release();
  }
}

/** Name by which the model refers to a fixed b in memory. */
const IN_MEMORY = 'b';

/** Bytes of a fixed b in memory, under the name by which the model refers to them. */
function externalData({ values }: Matrix<Float32Array>): { path: string; data: Uint8Array } {
  return { path: IN_MEMORY, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

/**
 * ONNX model of one operator as protobuf bytes: every field number below is from onnx/onnx.proto (ModelProto,
 * GraphProto, NodeProto, AttributeProto, TensorProto, StringStringEntryProto, ValueInfoProto, TypeProto).
 */
function oneOperatorModel({ operator, dtype, b }: Omit<OperatorOptions, 'threads'>): Uint8Array {
  const operands = operator === 'MatMul' ? ['a', 'b'] : ['a', 'b', 'c'];
  const isTransposed = operator === 'GemmTransposed';
  const elementType = dtype === 'float32' ? 1 : 11;
  const names = operands.flatMap((name) => textField(1, name));
  const node = [
    ...names,
    ...textField(2, 'y'),
    ...textField(4, operator === 'MatMul' ? 'MatMul' : 'Gemm'),
    ...(isTransposed ? messageField(5, attribute('transB', 1)) : []),
  ];
  const inputs = operands.filter((name) => name !== 'b' || b === undefined);
  const graph = [
    ...messageField(1, node),
    ...textField(2, operator),
    ...(b === undefined ? [] : messageField(5, fixedTensor(b, elementType))),
    ...inputs.flatMap((name) =>
      messageField(11, valueInfo(name, dimensionsOf(name, isTransposed), elementType)),
    ),
    ...messageField(12, valueInfo('y', dimensionsOf('y', isTransposed), elementType)),
  ];
  const irVersion = integerField(1, 8);
  const opset = integerField(2, 17);
  return Uint8Array.from([...irVersion, ...messageField(8, opset), ...messageField(7, graph)]);
}

/** Names of the dimensions of each operand and of the result. */
const dimensions: Readonly<Record<string, readonly [string, string]>> = {
  a: ['m', 'k'],
  b: ['k', 'n'],
  c: ['m', 'n'],
  y: ['m', 'n'],
};

function dimensionsOf(name: string, isTransposed: boolean): readonly string[] {
  return name === 'b' && isTransposed ? dimensions.b!.toReversed() : dimensions[name]!;
}

/** AttributeProto of a whole number. */
function attribute(name: string, value: number): number[] {
  const INT = 2;
  return [...textField(1, name), ...integerField(3, value), ...integerField(20, INT)];
}

/** ValueInfoProto of an operand or the result. */
function valueInfo(name: string, sizes: readonly string[], elementType: number): number[] {
  const shape = sizes.flatMap((dimension) => messageField(1, textField(2, dimension)));
  const tensor = [...integerField(1, elementType), ...messageField(2, shape)];
  return [...textField(1, name), ...messageField(2, messageField(1, tensor))];
}

/** TensorProto of a fixed b, whose data lie outside of the model. */
function fixedTensor(b: FixedOperand, elementType: number): number[] {
  const shape = [b.rows, b.columns].flatMap((size) => integerField(1, size));
  const [location, offset] = 'file' in b ? [path.basename(b.file), b.byteOffset] : [IN_MEMORY, 0];
  const stretch = { location, offset, length: b.rows * b.columns * 4 };
  const entries = Object.entries(stretch).flatMap(([key, value]) =>
    messageField(13, [...textField(1, key), ...textField(2, String(value))]),
  );
  const isExternal = integerField(14, 1);
  return [...shape, ...integerField(2, elementType), ...textField(8, 'b'), ...entries, ...isExternal];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return [...bytes, value];
}

function integerField(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function messageField(field: number, body: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(body.length), ...body];
}

function textField(field: number, value: string): number[] {
  return messageField(field, [...Buffer.from(value)]);
}
