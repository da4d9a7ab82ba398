import type { Dtype } from './dtype.js';
import { type FileLayout, type TensorSpec, tensorBytes } from './layout.js';
import { npyMagic } from './npy.js';

/** NumPy has no bfloat16. */
export type NpyTensor = TensorSpec & { dtype: Exclude<Dtype, 'bfloat16'> };

/**
 * Plans a .npy file, format version 1.0, of one C-order array. The elements begin at a multiple of 64 bytes, as
 * NumPy's own do, so that numpy.load(..., mmap_mode='r') gives aligned memory.
 *
 * @param name what the layout calls the array; the file itself names nothing
 */
export function planNpyFile(name: string, tensor: NpyTensor): FileLayout {
  const header = headerBytes(tensor);
  const byteLength = tensorBytes(tensor);
  return {
    bytes: header.length + byteLength,
    tensors: [{ name, byteOffset: header.length, byteLength }],
    frame: () => [{ offset: 0, bytes: header }],
  };
}

const ALIGNMENT = 64;

/** Magic, version and the length of the text. */
const PREFIX_BYTES = 10;

const descriptions: Readonly<Record<NpyTensor['dtype'], string>> = {
  float16: '<f2',
  float32: '<f4',
  float64: '<f8',
};

function headerBytes({ shape, dtype }: NpyTensor): Uint8Array {
  // A Python tuple of one element ends in a comma.
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${descriptions[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const bytes = Math.ceil((PREFIX_BYTES + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = Buffer.alloc(bytes, ' ');
  header.set(npyMagic);
  header.set([1, 0], npyMagic.length);
  header.writeUInt16LE(bytes - PREFIX_BYTES, npyMagic.length + 2);
  header.write(text, PREFIX_BYTES, 'latin1');
  header.write('\n', bytes - 1, 'latin1');
  return header;
}
