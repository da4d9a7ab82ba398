import { dtypeOfSafetensors } from '../../formats/dtype.js';
import { readSafetensorsHeader, type SafetensorsHeader } from '../../formats/safetensors.js';
import type { Weights } from './weights.js';

/** Reads what a safetensors file holds. @throws InputError as readSafetensorsHeader */
export async function readSafetensorsWeights(file: string): Promise<Weights> {
  return safetensorsWeights(await readSafetensorsHeader(file));
}

/** Says what a safetensors file holds, by its header. */
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
    section: null,
    byteOffset: ({ name }) => places.get(name)!,
  };
}
