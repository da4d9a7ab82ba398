import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';

/** Makes a directory that goes with the test. */
export function scratchDirectory(t: ExecutionContext): string {
  const directory = mkdtempSync(path.join(tmpdir(), 'eigenshard-test-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Writes a file into a new directory. @returns its path */
export function scratchFile(t: ExecutionContext, name: string, bytes: Uint8Array | string): string {
  const file = path.join(scratchDirectory(t), name);
  writeFileSync(file, bytes);
  return file;
}

/** End of a damaged file: mostly not early (null), so that other damage is met too. */
export function cutAt(length: number): fc.Arbitrary<number | null> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat(length) });
}

/** Little-endian bytes of float32 values. */
export function float32Bytes(values: readonly number[]): Buffer {
  return Buffer.from(Float32Array.from(values).buffer);
}

/** Little-endian bytes of float64 values. */
export function float64Bytes(values: readonly number[]): Buffer {
  return Buffer.from(Float64Array.from(values).buffer);
}

/** A safetensors file of this header, whether it is right or wrong, and these data. */
export function safetensorsOf(header: unknown, data: Uint8Array): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

/** Tensor of a safetensors file. */
export interface FixtureTensor {
  name: string;
  dtype: string;
  shape: number[];
  data: Uint8Array;
}

/** A right safetensors file of these tensors. */
export function safetensors(tensors: readonly FixtureTensor[], metadata?: Record<string, string>): Buffer {
  let end = 0;
  const entries = tensors.map(({ name, dtype, shape, data }) => {
    const begin = end;
    end += data.length;
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const header = Object.fromEntries(
    metadata === undefined ? entries : [['__metadata__', metadata], ...entries],
  );
  return safetensorsOf(header, Buffer.concat(tensors.map(({ data }) => data)));
}

/** A .npy file with this header text, whether it is right or wrong. */
export function npyOf(header: string, data: Uint8Array, version = 1): Buffer {
  const text = Buffer.from(`${header}\n`, version === 3 ? 'utf8' : 'latin1');
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(text.length);
  else length.writeUInt32LE(text.length);
  const magic = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  return Buffer.concat([magic, length, text, data]);
}

/** A right .npy file. */
export function npy(
  descr: string,
  shape: readonly number[],
  data: Uint8Array,
  options: { fortranOrder?: boolean; version?: number } = {},
): Buffer {
  const { fortranOrder = false, version = 1 } = options;
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const order = fortranOrder ? 'True' : 'False';
  return npyOf(`{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${tuple}, }`, data, version);
}

/** Options of a zip archive. */
export interface ZipOptions {
  method?: number;
  /** General purpose flags. Bit 0: encrypted. Bit 3, as torch.save sets it: sizes and checksum follow the data. */
  flags?: number;
  zip64?: boolean;
}

/** A zip archive as torch.save lays it out: each entry's data begin at a multiple of 64 bytes. */
export function zip(entries: readonly (readonly [string, Uint8Array])[], options: ZipOptions = {}): Buffer {
  const { method = 0, flags = 8, zip64 = false } = options;
  const chunks: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  const add = (chunk: Buffer) => {
    chunks.push(chunk);
    offset += chunk.length;
  };
  for (const [name, data] of entries) {
    const nameBytes = Buffer.from(name);
    const padding = Buffer.alloc((64 - ((offset + 34 + nameBytes.length) % 64)) % 64);
    const pad = Buffer.concat([uint(0x4246, 2), uint(padding.length, 2), padding]);
    const checksum = crc32(data);
    const start = offset;
    const sizes = [uint(checksum, 4), uint(data.length, 4), uint(data.length, 4)];
    const local = flags & 8 ? [Buffer.alloc(12)] : sizes;
    add(fields([0x04034b50, 4], [0, 2], [flags, 2], [method, 2], [0, 4]));
    add(Buffer.concat([...local, uint(nameBytes.length, 2), uint(pad.length, 2), nameBytes, pad]));
    add(Buffer.from(data));
    if (flags & 8) add(Buffer.concat([uint(0x08074b50, 4), ...sizes]));
    const wide = fields([1, 2], [24, 2], [data.length, 8], [data.length, 8], [start, 8]);
    directory.push(
      fields([0x02014b50, 4], [0, 2], [0, 2], [flags, 2], [method, 2], [0, 4], [checksum, 4]),
      zip64 ? fields([0xffffffff, 4], [0xffffffff, 4]) : Buffer.concat(sizes.slice(1)),
      fields([nameBytes.length, 2], [zip64 ? wide.length : 0, 2], [0, 2], [0, 2], [0, 2], [0, 4]),
      uint(zip64 ? 0xffffffff : start, 4),
      nameBytes,
      zip64 ? wide : Buffer.alloc(0),
    );
  }
  const central = Buffer.concat(directory);
  const centralStart = offset;
  add(central);
  const count = entries.length;
  if (zip64) {
    const record = offset;
    add(fields([0x06064b50, 4], [44, 8], [45, 2], [45, 2], [0, 4], [0, 4], [count, 8], [count, 8]));
    add(fields([central.length, 8], [centralStart, 8]));
    add(fields([0x07064b50, 4], [0, 4], [record, 8], [1, 4]));
  }
  add(fields([0x06054b50, 4], [0, 2], [0, 2], [zip64 ? 0xffff : count, 2], [zip64 ? 0xffff : count, 2]));
  add(fields([central.length, 4], [zip64 ? 0xffffffff : centralStart, 4], [0, 2]));
  return Buffer.concat(chunks);
}

/** Opcodes of a pickle, as bytes: enough to write by hand what torch.save writes, and what it never would. */
export const op = {
  proto: (version = 2) => Buffer.from([0x80, version]),
  stop: Buffer.from('.'),
  mark: Buffer.from('('),
  tuple: Buffer.from('t'),
  emptyTuple: Buffer.from(')'),
  emptyDict: Buffer.from('}'),
  emptyList: Buffer.from(']'),
  setItems: Buffer.from('u'),
  appends: Buffer.from('e'),
  reduce: Buffer.from('R'),
  build: Buffer.from('b'),
  persistentId: Buffer.from('Q'),
  none: Buffer.from('N'),
  false: Buffer.from([0x89]),
  true: Buffer.from([0x88]),
  int: (value: number) => {
    const bytes = Buffer.alloc(5, 'J');
    bytes.writeInt32LE(value, 1);
    return bytes;
  },
  float: (value: number) => {
    const bytes = Buffer.alloc(9, 'G');
    bytes.writeDoubleBE(value, 1);
    return bytes;
  },
  text: (value: string) =>
    Buffer.concat([Buffer.from('X'), uint(Buffer.byteLength(value), 4), Buffer.from(value)]),
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  /** Tuple (a, b, ...). */
  tupleOf: (...values: Buffer[]): Buffer => Buffer.concat([op.mark, ...values, op.tuple]),
  /** Dictionary {a: b, ...}, from key, value, key, value, ... */
  dictOf: (...items: Buffer[]): Buffer => Buffer.concat([op.emptyDict, op.mark, ...items, op.setItems]),
  program: (...parts: Buffer[]): Buffer => Buffer.concat([op.proto(), ...parts, op.stop]),
};

/** Tensor in a storage of torch. */
export interface FixtureStorage {
  storageClass?: string;
  key?: string;
  size: number;
  offset?: number;
  shape: readonly number[];
  strides: readonly number[];
}

/** The pickle of a tensor, as torch._utils._rebuild_tensor_v2 wants it. */
export function tensorPickle(tensor: FixtureStorage): Buffer {
  const { storageClass = 'FloatStorage', key = '0', size, offset = 0, shape, strides } = tensor;
  const storage = op.tupleOf(
    op.text('storage'),
    op.global('torch', storageClass),
    op.text(key),
    op.text('cpu'),
    op.int(size),
  );
  const args = op.tupleOf(
    storage,
    op.persistentId,
    op.int(offset),
    op.tupleOf(...shape.map(op.int)),
    op.tupleOf(...strides.map(op.int)),
    op.false,
    Buffer.concat([op.global('collections', 'OrderedDict'), op.emptyTuple, op.reduce]),
  );
  return Buffer.concat([op.global('torch._utils', '_rebuild_tensor_v2'), args, op.reduce]);
}

/** Tensor of a state_dict, with a storage of its own. */
export interface FixtureStateTensor {
  name: string;
  /** Class of the storage, FloatStorage by default. */
  storageClass?: string;
  shape: readonly number[];
  /** Strides, row-major by default. */
  strides?: readonly number[];
  /** Offset in the storage, in elements. */
  offset?: number;
  /** Bytes of the storage. */
  data: Uint8Array;
  /** Bytes of a storage element; 4 by default. */
  width?: number;
}

/** File that torch.save makes of a model's state_dict: an OrderedDict of tensors with its own `_metadata`. */
export function stateDict(tensors: readonly FixtureStateTensor[]): Buffer {
  const orderedDict = Buffer.concat([op.global('collections', 'OrderedDict'), op.emptyTuple, op.reduce]);
  const items = tensors.flatMap(({ name, shape, strides, data, width = 4, ...tensor }, index) => [
    op.text(name),
    tensorPickle({
      ...tensor,
      key: String(index),
      size: data.length / width,
      shape,
      strides: strides ?? shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1)),
    }),
  ]);
  const metadata = op.dictOf(op.text('_metadata'), orderedDict);
  const program = op.program(orderedDict, op.mark, ...items, op.setItems, metadata, op.build);
  return torchFile(program, Object.fromEntries(tensors.map(({ data }, index) => [index, data])));
}

/** A .pt file: `program` is the whole data.pkl, `storages` the data by key. */
export function torchFile(
  program: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  options: ZipOptions & { extra?: readonly (readonly [string, Uint8Array])[] } = {},
): Buffer {
  const data = Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes] as const);
  const { extra = [['archive/byteorder', Buffer.from('little')]] } = options;
  return zip(
    [['archive/data.pkl', program], ...extra, ...data, ['archive/version', Buffer.from('3\n')]],
    options,
  );
}

function fields(...list: (readonly [value: number, bytes: number])[]): Buffer {
  return Buffer.concat(list.map(([value, bytes]) => uint(value, bytes)));
}

/** Unsigned integer, little-endian, of 2, 4 or 8 bytes. */
function uint(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (bytes === 8) buffer.writeBigUInt64LE(BigInt(value));
  else buffer.writeUIntLE(value, 0, bytes);
  return buffer;
}
