import { InputError } from '../../errors.js';
import { jsonText } from '../../files/json.js';
import { shapeText } from '../../formats/shape.js';
import { isOpaque, type OpaqueValue, type PickleValue } from '../../formats/torch/pickle-value.js';
import { locateTorchTensor, readTorchFile } from '../../formats/torch/read-torch.js';
import { isFloat, isTorchTensor, type TorchTensor } from '../../formats/torch/torch-tensor.js';
import { nestedKeys } from '../matrix/tensor-names.js';
import type { WeightEntry, Weights } from './weights.js';

/**
 * Reads what torch.save made of a state_dict: pytorch_model.bin and its like, or the checkpoint of a training, in
 * which the state_dict is one of several entries.
 *
 * @throws InputError as readTorchFile, and where the file does not hold a dictionary of tensors
 */
export async function readTorchWeights(file: string): Promise<Weights> {
  const torchFile = await readTorchFile(file);
  const { section, held } = findStateDict(file, torchFile.value);
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

/** The values under names, as far as they are tensors or stand in the place of one. */
type StateDict = ReadonlyMap<string, TorchTensor | OpaqueValue>;

function findStateDict(file: string, value: PickleValue): { section: string | null; held: StateDict } {
  if (!(value instanceof Map)) {
    throw new InputError(
      `${file}: expected a dictionary of tensors by name; save it as torch.save(model.state_dict(), path)`,
    );
  }
  const nested = nestedStateDicts(value);
  const known = nestedKeys.find((key) => nested.has(key));
  if (known !== undefined) return { section: known, held: nested.get(known)! };
  const held = stateDictOf(value);
  const [only, ...more] = nested;
  if (only === undefined || holdsMatrix(held)) return { section: null, held };
  if (more.length === 0) return { section: only[0], held: only[1] };
  throw new InputError(
    `${file}: holds several dictionaries of tensors, ${[...nested.keys()].slice(0, 20).map(jsonText).join(', ')}; ` +
      'save the one of the model by itself: torch.save(checkpoint[key], path)',
  );
}

/** The dictionaries with a matrix among the values of another one. Each is looked at once, however often it occurs. */
function nestedStateDicts(value: Map<PickleValue, PickleValue>): Map<string, StateDict> {
  const seen = new Set<PickleValue>([value]);
  const found = new Map<string, StateDict>();
  for (const [key, candidate] of value) {
    if (typeof key !== 'string' || !(candidate instanceof Map) || seen.has(candidate)) continue;
    seen.add(candidate);
    const held = stateDictOf(candidate);
    if (holdsMatrix(held)) found.set(key, held);
  }
  return found;
}

function stateDictOf(value: ReadonlyMap<PickleValue, PickleValue>): StateDict {
  const held = new Map<string, TorchTensor | OpaqueValue>();
  for (const [name, candidate] of value) {
    if (typeof name === 'string' && (isTorchTensor(candidate) || isOpaque(candidate))) {
      held.set(name, candidate);
    }
  }
  return held;
}

function holdsMatrix(held: StateDict): boolean {
  return [...held.values()].some((value) => isTorchTensor(value) && value.shape.length === 2);
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
