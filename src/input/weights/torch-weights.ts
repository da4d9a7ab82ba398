import { InputError } from '../../errors.js';
import { shapeText } from '../../formats/shape.js';
import { isOpaque, type OpaqueValue } from '../../formats/torch/pickle-value.js';
import { locateTorchTensor, readTorchFile } from '../../formats/torch/read-torch.js';
import { isFloat, isTorchTensor, type TorchTensor } from '../../formats/torch/torch-tensor.js';
import { findStateDict } from './state-dict.js';
import type { WeightEntry, Weights } from './weights.js';

/**
 * Reads what torch.save made of a state_dict: pytorch_model.bin and its like, or the checkpoint of a training, in
 * which the state_dict is one of several entries.
 *
 * @param asked the tensor that the user named
 * @throws InputError as readTorchFile, and where the file does not hold a dictionary of tensors, or several that may be the model's
 */
export async function readTorchWeights(file: string, asked?: string): Promise<Weights> {
  const torchFile = await readTorchFile(file);
  if (!(torchFile.value instanceof Map)) {
    throw new InputError(
      `${file}: expected a dictionary of tensors by name; save it as torch.save(model.state_dict(), path)`,
    );
  }
  const { section, held } = findStateDict(file, torchFile.value, asked);
  return {
    file,
    entries: [...held].map(([name, value]) => entryOf(name, value)),
    section,
    byteOffset: ({ name }) => {
      const tensor = held.get(name);
      // What is no tensor has no dtype of ours, and is refused for that before its place is asked for.
      if (!isTorchTensor(tensor)) throw new TypeError(`${name} is no tensor`);
      checkRowMajor(file, name, tensor);
      return locateTorchTensor(torchFile, name, tensor).byteOffset;
    },
  };
}

function entryOf(name: string, value: TorchTensor | OpaqueValue): WeightEntry {
  if (isOpaque(value)) return { name, dtype: null, storedDtype: value.name, shape: [] };
  const { dtype, shape } = value;
  return { name, dtype: isFloat(dtype) ? dtype : null, storedDtype: dtype, shape };
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
