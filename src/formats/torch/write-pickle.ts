import type { Dtype } from '../dtype.js';
import type { TensorSpec } from '../layout.js';
import { elementCount, shapeText } from '../shape.js';

/** A whole number becomes Python's int, any other number its float. */
export type PlainValue = string | number | boolean | { readonly [key: string]: PlainValue };

/** The entries that torch.save is given: tensors and plain values by name. */
export type TorchEntries = Readonly<Record<string, TensorSpec | PlainValue>>;

/**
 * Pickles a dictionary with the opcodes (protocol 2) and in the manner of torch.save, so that torch.load with
 * weights_only=True, which knows few opcodes and globals, takes it. A tensor becomes a call of _rebuild_tensor_v2 on
 * a storage that is named by its number: '0' for the first tensor of the dictionary, '1' for the next, ...
 */
export function pickleEntries(entries: TorchEntries): Uint8Array {
  const pickler = new Pickler();
  pickler.dictionary(entries);
  return pickler.finish();
}

/** A plain value is never an array, so the shape tells a tensor from a nested dictionary. */
export function isTensor(value: TensorSpec | PlainValue): value is TensorSpec {
  return typeof value === 'object' && 'shape' in value && Array.isArray(value.shape);
}

/** Opcodes of Python's pickletools, protocol 2. */
const op = {
  proto: 0x80,
  mark: 0x28,
  emptyDictionary: 0x7d,
  setItem: 0x73,
  setItems: 0x75,
  unicode: 0x58,
  float64: 0x47,
  uint8: 0x4b,
  uint16: 0x4d,
  int32: 0x4a,
  long: 0x8a,
  newTrue: 0x88,
  newFalse: 0x89,
  global: 0x63,
  reduce: 0x52,
  persistentId: 0x51,
  emptyTuple: 0x29,
  tuple: 0x74,
  tuple1: 0x85,
  tuple2: 0x86,
  tuple3: 0x87,
  put: 0x71,
  longPut: 0x72,
  get: 0x68,
  longGet: 0x6a,
  stop: 0x2e,
} as const;

const storageTypes: Readonly<Record<Dtype, string>> = {
  bfloat16: 'BFloat16Storage',
  float16: 'HalfStorage',
  float32: 'FloatStorage',
  float64: 'DoubleStorage',
};

class Pickler {
  readonly #bytes: number[] = [op.proto, 2];
  /** Memo slots of the strings and globals written so far: a second mention is a reference, as in Python. */
  readonly #memo = new Map<string, number>();
  #slots = 0;
  #storages = 0;

  finish(): Uint8Array {
    this.#bytes.push(op.stop);
    return Uint8Array.from(this.#bytes);
  }

  dictionary(entries: TorchEntries): void {
    this.#bytes.push(op.emptyDictionary);
    this.#put();
    const pairs = Object.entries(entries);
    if (pairs.length === 0) return;
    if (pairs.length > 1) this.#bytes.push(op.mark);
    for (const [key, value] of pairs) {
      this.#string(key);
      if (isTensor(value)) this.#tensor(value);
      else this.#plain(value);
    }
    this.#bytes.push(pairs.length > 1 ? op.setItems : op.setItem);
  }

  #plain(value: PlainValue): void {
    if (typeof value === 'string') this.#string(value);
    else if (typeof value === 'boolean') this.#boolean(value);
    else if (typeof value === 'object') this.dictionary(value);
    else if (Number.isSafeInteger(value)) this.#integer(value);
    else this.#float(value);
  }

  /** _rebuild_tensor_v2(storage, storage offset, shape, strides, requires_grad, backward hooks) */
  #tensor(spec: TensorSpec): void {
    this.#global('torch._utils', '_rebuild_tensor_v2');
    this.#bytes.push(op.mark);
    this.#storage(spec);
    this.#integer(0);
    this.#sizes(spec.shape);
    this.#sizes(rowMajorStrides(spec.shape));
    this.#boolean(false);
    this.#global('collections', 'OrderedDict');
    this.#bytes.push(op.emptyTuple, op.reduce);
    this.#put();
    this.#bytes.push(op.tuple);
    this.#put();
    this.#bytes.push(op.reduce);
    this.#put();
  }

  /** The persistent id ('storage', type, key, location, elements), which the reader resolves to data/KEY. */
  #storage({ shape, dtype }: TensorSpec): void {
    const elements = elementCount(shape);
    if (elements === null) throw new RangeError(`pickleEntries: the shape ${shapeText(shape)} is impossible`);
    this.#bytes.push(op.mark);
    this.#string('storage');
    this.#global('torch', storageTypes[dtype]);
    this.#string(String(this.#storages++));
    this.#string('cpu');
    this.#integer(elements);
    this.#bytes.push(op.tuple);
    this.#put();
    this.#bytes.push(op.persistentId);
  }

  #sizes(sizes: readonly number[]): void {
    if (sizes.length === 0) {
      this.#bytes.push(op.emptyTuple);
      return;
    }
    const short = [op.tuple1, op.tuple2, op.tuple3][sizes.length - 1];
    if (short === undefined) this.#bytes.push(op.mark);
    for (const size of sizes) this.#integer(size);
    this.#bytes.push(short ?? op.tuple);
    this.#put();
  }

  #boolean(value: boolean): void {
    this.#bytes.push(value ? op.newTrue : op.newFalse);
  }

  #integer(value: number): void {
    if (value >= 0 && value < 2 ** 8) this.#bytes.push(op.uint8, value);
    else if (value >= 0 && value < 2 ** 16) this.#bytes.push(op.uint16, ...littleEndian(value, 2));
    else if (value >= -(2 ** 31) && value < 2 ** 31) this.#bytes.push(op.int32, ...littleEndian(value, 4));
    else {
      const bytes = littleEndian(value, longBytes(value));
      this.#bytes.push(op.long, bytes.length, ...bytes);
    }
  }

  /** The one big-endian number of the protocol. */
  #float(value: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    this.#bytes.push(op.float64, ...bytes);
  }

  #string(text: string): void {
    if (this.#recall(`string ${text}`)) return;
    const bytes = Buffer.from(text);
    this.#bytes.push(op.unicode, ...littleEndian(bytes.length, 4));
    // One at a time: a long string would be too many arguments for one push.
    for (const byte of bytes) this.#bytes.push(byte);
    this.#put(`string ${text}`);
  }

  #global(module: string, name: string): void {
    const line = `${module}\n${name}\n`;
    if (this.#recall(`global ${line}`)) return;
    this.#bytes.push(op.global, ...Buffer.from(line));
    this.#put(`global ${line}`);
  }

  /** Writes a reference to what was written before under `key`; false where nothing was. */
  #recall(key: string): boolean {
    const slot = this.#memo.get(key);
    if (slot === undefined) return false;
    this.#bytes.push(...(slot < 256 ? [op.get, slot] : [op.longGet, ...littleEndian(slot, 4)]));
    return true;
  }

  /** Gives the object on top of the stack the next memo slot. Python does so for every container and string. */
  #put(key?: string): void {
    const slot = this.#slots++;
    this.#bytes.push(...(slot < 256 ? [op.put, slot] : [op.longPut, ...littleEndian(slot, 4)]));
    if (key !== undefined) this.#memo.set(key, slot);
  }
}

/** In elements: [3, 4, 5] has [20, 5, 1]. As in PyTorch, a dimension of 0 counts as 1. */
function rowMajorStrides(shape: readonly number[]): number[] {
  let stride = 1;
  return shape
    .toReversed()
    .map((size) => {
      const own = stride;
      stride *= Math.max(size, 1);
      return own;
    })
    .toReversed();
}

/** Two's complement in as few bytes as keep the sign. */
function longBytes(value: number): number {
  let bytes = 5;
  while (value < -(2 ** (8 * bytes - 1)) || value >= 2 ** (8 * bytes - 1)) bytes++;
  return bytes;
}

function littleEndian(value: number, bytes: number): number[] {
  const bits = BigInt(value);
  return Array.from({ length: bytes }, (_, index) => Number((bits >> BigInt(8 * index)) & 0xffn));
}
