import { readSafetensorsWeights } from './safetensors-weights.js';
import { readTorchWeights } from './torch-weights.js';
import type { Weights } from './weights.js';

/**
 * Reads the names and places of a file's tensors; its extension says which of the two formats it has.
 *
 * @throws InputError as readSafetensorsWeights and readTorchWeights
 */
export function readWeights(file: string): Promise<Weights> {
  // As transformers decides it. The index of a checkpoint may name any file, but only these two readers open it.
  return file.endsWith('.safetensors') ? readSafetensorsWeights(file) : readTorchWeights(file);
}
