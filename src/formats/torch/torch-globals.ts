import { dtypeBytes } from '../dtype.js';
import { inertGlobals } from './inert-globals.js';
import { numpyGlobals } from './numpy-scalars.js';
import {
  type Fail,
  isKind,
  isTuple,
  opaque,
  type PickleGlobal,
  type PickleObject,
  type PickleRules,
  type PickleValue,
} from './pickle-value.js';
import { isFloat, isTorchTensor, type TorchTensor, unreadableTensor } from './torch-tensor.js';

interface TorchStorage extends PickleObject {
  readonly kind: 'storage';
  /** null where the tensor says it, not the storage. */
  readonly dtype: string | null;
  readonly key: string;
  /** Elements, or bytes where there is no dtype. */
  readonly size: number;
}

/** A class of storages, or a dtype by itself. */
interface DtypeGlobal extends PickleGlobal {
  readonly dtype: string | null;
}

const storageClasses: readonly DtypeGlobal[] = (
  [
    ['torch BFloat16Storage', 'bfloat16'],
    ['torch HalfStorage', 'float16'],
    ['torch FloatStorage', 'float32'],
    ['torch DoubleStorage', 'float64'],
    ['torch LongStorage', 'int64'],
    ['torch IntStorage', 'int32'],
    ['torch ShortStorage', 'int16'],
    ['torch CharStorage', 'int8'],
    ['torch ByteStorage', 'uint8'],
    ['torch BoolStorage', 'bool'],
    ['torch ComplexFloatStorage', 'complex64'],
    ['torch ComplexDoubleStorage', 'complex128'],
    ['torch QInt8Storage', 'qint8'],
    ['torch QUInt8Storage', 'quint8'],
    ['torch QInt32Storage', 'qint32'],
    ['torch QUInt4x2Storage', 'quint4x2'],
    ['torch QUInt2x4Storage', 'quint2x4'],
    ['torch.storage UntypedStorage', null],
    ['torch UntypedStorage', null],
  ] as const
).map(([name, dtype]) => ({ kind: 'global', name, dtype }));

const dtypes: readonly DtypeGlobal[] = [
  ...['bfloat16', 'float16', 'float32', 'float64', 'complex32', 'complex64', 'complex128', 'bool'],
  ...['float8_e4m3fn', 'float8_e4m3fnuz', 'float8_e5m2', 'float8_e5m2fnuz', 'float8_e8m0fnu'],
  'float4_e2m1fn_x2',
  ...['bits8', 'bits16', 'bits1x8', 'bits2x4', 'bits4x2'],
  ...['qint8', 'quint8', 'qint32', 'quint4x2', 'quint2x4'],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64].flatMap((bits) => [`int${bits}`, `uint${bits}`]),
].map((dtype) => ({ kind: 'global', name: `torch ${dtype}`, dtype }));

/** Functions by which torch.save has tensors made again. */
const tensorMakers: ReadonlyMap<string, NonNullable<PickleGlobal['call']>> = new Map([
  ['torch._utils _rebuild_tensor', rebuildTensor],
  ['torch._utils _rebuild_tensor_v2', rebuildTensor],
  ['torch._utils _rebuild_tensor_v3', rebuildTensorOfDtype],
  ['torch._utils _rebuild_parameter', takeTensor],
  ['torch._utils _rebuild_parameter_with_state', takeTensor],
  ['torch._utils _rebuild_qtensor', rebuildQuantised],
  ['torch._utils _rebuild_sparse_tensor', rebuildSparse],
  ['torch._utils _rebuild_meta_tensor_no_storage', rebuildMeta],
  ['torch._utils _rebuild_wrapper_subclass', rebuildSubclass],
  ['torch._utils _rebuild_device_tensor_from_cpu_tensor', takeTensor],
  [
    'torch._utils _rebuild_device_tensor_from_numpy',
    () => opaque('torch._utils _rebuild_device_tensor_from_numpy'),
  ],
]);

const globals: readonly PickleGlobal[] = [
  ...storageClasses,
  ...dtypes,
  ...[...tensorMakers].map(([name, call]): PickleGlobal => ({ kind: 'global', name, call })),
  { kind: 'global', name: 'torch._tensor _rebuild_from_type_v2', call: rebuildTyped },
  { kind: 'global', name: 'torch Size', call: buildSize },
  { kind: 'global', name: 'collections OrderedDict', call: buildOrderedDict },
  { kind: 'global', name: 'collections defaultdict', call: () => new Map() },
  {
    kind: 'global',
    name: 'collections Counter',
    call: ([counts]) => (counts instanceof Map ? counts : new Map()),
  },
  ...numpyGlobals,
  ...inertGlobals,
];

/** All that a pickle of torch.save may name: tensors, their storages and shapes, dictionaries, and harmless values. */
export const torchRules: PickleRules = {
  globals: new Map(globals.map((global) => [global.name, global])),
  persistentLoad: loadStorage,
};

/** ('storage', class, key, device, elements), as in torch/serialization.py. The device plays no part here. */
function loadStorage(id: PickleValue, fail: Fail): TorchStorage {
  if (!isTuple(id) || id.length !== 5 || id[0] !== 'storage')
    return fail('a persistent id is not of a storage');
  const [, storageClass, key, , size] = id;
  if (!isKind<DtypeGlobal>(storageClass, 'global') || storageClass.dtype === undefined) {
    return fail('a storage has no storage class');
  }
  if (typeof key !== 'string' || !isSize(size)) return fail('a storage has no key or no size');
  return { kind: 'storage', dtype: storageClass.dtype, key, size };
}

/** (storage, offset, shape, strides, requires_grad, backward hooks, optional metadata), as in torch/_utils.py. */
function rebuildTensor(args: readonly PickleValue[], fail: Fail): TorchTensor {
  if (args.length > 7) return fail('a tensor is made of more than is known');
  return tensorOf(args, null, fail);
}

/** (storage, offset, shape, strides, requires_grad, backward hooks, dtype, optional metadata), for newer dtypes. */
function rebuildTensorOfDtype(args: readonly PickleValue[], fail: Fail): TorchTensor {
  return tensorOf(args, dtypeOf(args[6], fail), fail);
}

/** @param given the dtype that is said beside the storage, null where the storage says it */
function tensorOf(args: readonly PickleValue[], given: string | null, fail: Fail): TorchTensor {
  const [storage, storageOffset, shape, strides] = args;
  if (!isKind<TorchStorage>(storage, 'storage')) return fail('a tensor has no storage');
  if (!isSize(storageOffset) || !isSizes(shape) || !isSizes(strides) || shape.length !== strides.length) {
    return fail('a tensor has an impossible offset, shape or strides');
  }
  const dtype = given ?? storage.dtype ?? fail('a tensor has no dtype');
  const elementBytes = storage.dtype === null && isFloat(dtype) ? dtypeBytes[dtype] : 1;
  const storageSize = Math.floor(storage.size / elementBytes);
  return { kind: 'tensor', dtype, shape, strides, storageOffset, storageKey: storage.key, storageSize };
}

/** (tensor, ...): what follows is of no meaning for its values. */
function takeTensor([tensor]: readonly PickleValue[], fail: Fail): PickleValue {
  return isTorchTensor(tensor) ? tensor : fail('a parameter has no tensor');
}

/** (storage, offset, shape, strides, quantiser, ...): its numbers mean nothing without the quantiser's. */
function rebuildQuantised([storage, , shape]: readonly PickleValue[], fail: Fail): PickleValue {
  const dtype = isKind<TorchStorage>(storage, 'storage') ? storage.dtype : null;
  return unreadableTensor(dtype ?? 'quantised', sizesOf(shape, fail));
}

/** (layout, (indices, values, shape, ...)) */
function rebuildSparse([, parts]: readonly PickleValue[], fail: Fail): PickleValue {
  const shape = isTuple(parts ?? null) ? (parts as readonly PickleValue[]).find(isSizes) : undefined;
  return unreadableTensor('sparse', sizesOf(shape, fail));
}

/** (dtype, shape, strides, requires_grad): a tensor that was never given data. */
function rebuildMeta([, shape]: readonly PickleValue[], fail: Fail): PickleValue {
  return unreadableTensor('meta', sizesOf(shape, fail));
}

/** (class, dtype, shape, strides, offset, layout, device, requires_grad): the data are the class's own affair. */
function rebuildSubclass([, dtype, shape]: readonly PickleValue[], fail: Fail): PickleValue {
  return unreadableTensor(`${dtypeOf(dtype, fail)} of a class of its own`, sizesOf(shape, fail));
}

/** (function, type, arguments, state): a tensor with attributes, which play no part here. */
function rebuildTyped([maker, , args]: readonly PickleValue[], fail: Fail): PickleValue {
  const make = isKind<PickleGlobal>(maker, 'global') ? tensorMakers.get(maker.name) : undefined;
  if (make === undefined || !isTuple(args ?? null))
    return fail('a tensor with attributes is made by no known function');
  return make(args as readonly PickleValue[], fail);
}

/** ((2, 3),): a tuple of sizes. */
function buildSize(args: readonly PickleValue[], fail: Fail): PickleValue {
  const [sizes] = args;
  return args.length === 1 && isSizes(sizes) ? sizes : fail('a torch.Size has no tuple of sizes');
}

function buildOrderedDict(args: readonly PickleValue[], fail: Fail): PickleValue {
  return args.length === 0 ? new Map() : fail('an OrderedDict is built of arguments, expected none');
}

function dtypeOf(value: PickleValue | undefined, fail: Fail): string {
  const dtype = isKind<DtypeGlobal>(value, 'global') ? value.dtype : undefined;
  return typeof dtype === 'string' ? dtype : fail('a tensor has no dtype');
}

function sizesOf(value: PickleValue | undefined, fail: Fail): readonly number[] {
  return isSizes(value) ? value : fail('a tensor has no shape');
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
