import { InputError } from '../errors.js';
import { type Dtype, dtypeOfSafetensors } from '../formats/dtype.js';
import { readSafetensorsHeader, type SafetensorsHeader } from '../formats/safetensors.js';
import { shapeText } from '../formats/shape.js';
import { isFloat, locateTorchTensor, readTorchFile } from '../formats/torch/read-torch.js';
import { isTorchTensor, type TorchTensor } from '../formats/torch/torch-globals.js';

/** One tensor of a file of weights. */
export interface WeightEntry {
  name: string;
  /** null where the stored one is none of ours. */
  dtype: Dtype | null;
  /** As the file calls it: BF16, I8, bfloat16, ... */
  storedDtype: string;
  shape: readonly number[];
}

/** What a file of weights holds; of the weights themselves nothing has been read. */
export interface Weights {
  file: string;
  entries: readonly WeightEntry[];
  /**
   * Where the tensor's bytes begin, from the start of the file: row-major, little-endian, without gaps.
   *
   * @throws InputError where they do not lie like that
   */
  byteOffset(entry: WeightEntry): number;
}

/** Reads the names and places of a file's tensors; its extension says which of the two formats it has. */
export function readWeights(file: string): Promise<Weights> {
  // As transformers decides it. The index of a checkpoint may name any file, but only these two readers open it.
  return file.endsWith('.safetensors') ? readSafetensorsWeights(file) : readTorchWeights(file);
}

/** @throws InputError as readSafetensorsHeader */
export async function readSafetensorsWeights(file: string): Promise<Weights> {
  return safetensorsWeights(await readSafetensorsHeader(file));
}

/** What a safetensors file holds, by its header. */
export function safetensorsWeights({ file, tensors }: SafetensorsHeader): Weights {
  const places = new Map(tensors.map(({ name, byteOffset }) => [name, byteOffset]));
  return {
    file,
    entries: tensors.map(({ name, dtype, shape }) => ({
      name,
      dtype: dtypeOfSafetensors(dtype),
      storedDtype: dtype,
      shape,
    })),
    byteOffset: ({ name }) => places.get(name)!,
  };
}

/**
 * Reads what torch.save made of a state_dict: pytorch_model.bin and its like.
 *
 * @throws InputError as readTorchFile, and where the file does not hold a dictionary of tensors
 */
export async function readTorchWeights(file: string): Promise<Weights> {
  const torchFile = await readTorchFile(file);
  const { value } = torchFile;
  if (!(value instanceof Map)) {
    throw new InputError(
      `${file}: expected a dictionary of tensors by name; save it as torch.save(model.state_dict(), path)`,
    );
  }
  const tensors = new Map<string, TorchTensor>();
  for (const [name, held] of value) {
    if (typeof name === 'string' && isTorchTensor(held)) tensors.set(name, held);
  }
  return {
    file,
    entries: [...tensors].map(([name, { dtype, shape }]) => ({
      name,
      dtype: isFloat(dtype) ? dtype : null,
      storedDtype: dtype,
      shape,
    })),
    byteOffset: ({ name }) => {
      const tensor = tensors.get(name)!;
      checkRowMajor(file, name, tensor);
      return locateTorchTensor(torchFile, name, tensor).byteOffset;
    },
  };
}

/** The rows are read where they lie, so a transposed or cut out view would be read as something else. */
function checkRowMajor(file: string, name: string, { shape, strides }: TorchTensor): void {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis]!;
    if (size !== 1 && strides[axis] !== expected) {
      throw new InputError(
        `${file}: tensor ${name}, ${shapeText(shape)}, is stored with the strides (${strides.join(', ')}), expected ` +
          'row after row without gaps; save it again after tensor.contiguous()',
      );
    }
    expected *= size;
  }
}
