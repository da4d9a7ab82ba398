import type { Dtype } from '../dtype.js';
import { dtypeBytes } from '../dtype.js';
import { isKind, type PickleObject, type PickleValue } from './pickle-value.js';

/** A tensor without its data: element (i, j) is number storageOffset + i strides[0] + j strides[1] of its storage. */
export interface TorchTensor extends PickleObject {
  readonly kind: 'tensor';
  /** PyTorch's name for it, 'bfloat16', 'int64', 'float8_e4m3fn'; 'sparse' or 'meta' where the data lie otherwise. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Steps between neighbours of each dimension, in elements. */
  readonly strides: readonly number[];
  /** Place of the first element, in elements. */
  readonly storageOffset: number;
  readonly storageKey: string;
  /** Length of the storage, in elements; of no meaning where the dtype is none that is read. */
  readonly storageSize: number;
}

/** True for a tensor, whether its data can be read or not. */
export function isTorchTensor(value: PickleValue | undefined): value is TorchTensor {
  return isKind<TorchTensor>(value, 'tensor');
}

/** True for the dtypes that are read. */
export function isFloat(dtype: string): dtype is Dtype {
  return Object.hasOwn(dtypeBytes, dtype);
}

/** Makes a tensor whose name and shape are known, and whose data cannot be read. */
export function unreadableTensor(dtype: string, shape: readonly number[]): TorchTensor {
  const strides = shape.map(() => 0);
  return { kind: 'tensor', dtype, shape, strides, storageOffset: 0, storageKey: '', storageSize: 0 };
}
