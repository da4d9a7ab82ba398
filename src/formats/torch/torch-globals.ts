import type { Dtype } from '../dtype.js';
import {
  type Fail,
  isTuple,
  type PickleGlobal,
  type PickleObject,
  type PickleRules,
  type PickleValue,
} from './pickle-value.js';

/** The dtypes that a storage can have; those beside Dtype are recognised, so that files with them load, but not read. */
export type StorageDtype =
  | Dtype
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'
  | 'complex64'
  | 'complex128';

/** A tensor without its data: element (i, j) is number storageOffset + i strides[0] + j strides[1] of its storage. */
export interface TorchTensor extends PickleObject {
  readonly kind: 'tensor';
  readonly dtype: StorageDtype;
  readonly shape: readonly number[];
  /** In elements. */
  readonly strides: readonly number[];
  /** In elements. */
  readonly storageOffset: number;
  readonly storageKey: string;
  /** In elements. */
  readonly storageSize: number;
}

export function isTorchTensor(value: PickleValue | undefined): value is TorchTensor {
  return isKind(value, 'tensor');
}

interface TorchStorage extends PickleObject {
  readonly kind: 'storage';
  readonly dtype: StorageDtype;
  readonly key: string;
  readonly size: number;
}

interface StorageClass extends PickleGlobal {
  readonly dtype: StorageDtype;
}

const storageClasses: readonly StorageClass[] = (
  [
    ['BFloat16Storage', 'bfloat16'],
    ['HalfStorage', 'float16'],
    ['FloatStorage', 'float32'],
    ['DoubleStorage', 'float64'],
    ['LongStorage', 'int64'],
    ['IntStorage', 'int32'],
    ['ShortStorage', 'int16'],
    ['CharStorage', 'int8'],
    ['ByteStorage', 'uint8'],
    ['BoolStorage', 'bool'],
    ['ComplexFloatStorage', 'complex64'],
    ['ComplexDoubleStorage', 'complex128'],
  ] as const
).map(([name, dtype]) => ({ kind: 'global', name: `torch ${name}`, dtype }));

const globals: readonly PickleGlobal[] = [
  ...storageClasses,
  { kind: 'global', name: 'torch._utils _rebuild_tensor_v2', call: rebuildTensor },
  { kind: 'global', name: 'torch._utils _rebuild_parameter', call: rebuildParameter },
  { kind: 'global', name: 'torch Size', call: buildSize },
  { kind: 'global', name: 'collections OrderedDict', call: buildOrderedDict },
];

/** All that a pickle of torch.save may name: tensors, their storages, their shapes, and ordered dictionaries. */
export const torchRules: PickleRules = {
  globals: new Map(globals.map((global) => [global.name, global])),
  persistentLoad: loadStorage,
};

/** ('storage', class, key, device, elements), as in torch/serialization.py. The device plays no part here. */
function loadStorage(id: PickleValue, fail: Fail): TorchStorage {
  if (!isTuple(id) || id.length !== 5 || id[0] !== 'storage')
    return fail('a persistent id is not of a storage');
  const [, storageClass, key, , size] = id;
  if (!isKind<StorageClass>(storageClass, 'global') || storageClass.dtype === undefined) {
    return fail('a storage has no storage class');
  }
  if (typeof key !== 'string' || !isSize(size)) return fail('a storage has no key or no size');
  return { kind: 'storage', dtype: storageClass.dtype, key, size };
}

/** (storage, offset, shape, strides, requires_grad, backward hooks, optional metadata), as in torch/_utils.py. */
function rebuildTensor(args: readonly PickleValue[], fail: Fail): TorchTensor {
  const [storage, storageOffset, shape, strides] = args;
  if (args.length < 6 || args.length > 7 || !isKind<TorchStorage>(storage, 'storage')) {
    return fail('a tensor has no storage');
  }
  if (!isSize(storageOffset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length) {
    return fail('a tensor has an impossible offset, shape or strides');
  }
  const { dtype, key: storageKey, size: storageSize } = storage;
  return { kind: 'tensor', dtype, shape, strides, storageOffset, storageKey, storageSize };
}

/** (tensor, requires_grad, backward hooks): for us, the tensor. */
function rebuildParameter(args: readonly PickleValue[], fail: Fail): TorchTensor {
  const [tensor] = args;
  return args.length === 3 && isTorchTensor(tensor) ? tensor : fail('a parameter has no tensor');
}

/** ((2, 3),): a tuple of sizes. */
function buildSize(args: readonly PickleValue[], fail: Fail): PickleValue {
  const [sizes] = args;
  return args.length === 1 && isSizes(sizes) ? sizes : fail('a torch.Size has no tuple of sizes');
}

function buildOrderedDict(args: readonly PickleValue[], fail: Fail): PickleValue {
  return args.length === 0 ? new Map() : fail('an OrderedDict is built of arguments, expected none');
}

function isSize(value: PickleValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The limit keeps a pickle from having one long tuple checked over and over again. */
function isSizes(value: PickleValue | undefined): value is readonly number[] {
  return value !== undefined && isTuple(value) && value.length <= MAX_DIMENSIONS && value.every(isSize);
}

/** PyTorch's own limit for most operations. */
const MAX_DIMENSIONS = 64;

function isKind<T extends PickleObject>(value: PickleValue | undefined, kind: T['kind']): value is T {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}
