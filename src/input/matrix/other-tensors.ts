import type { OtherTensor } from '../checkpoint.js';
import type { Weights } from '../weights/weights.js';
import { rowSourceIfAny } from './check-matrix.js';
import type { Embedding } from './tying-notes.js';
import { knownNames } from './unembedding.js';

/** The tensors under known names beside the one that was taken. */
export interface Others {
  listed: OtherTensor[];
  /** The first embedding among them; null where there is none. */
  embedding: Embedding | null;
}

/**
 * Looks at the other tensors under known names, by the headers of their files.
 *
 * @param names all names that are there
 * @param taken the name of the tensor that was taken
 * @param weightsOf reads what the file of a tensor holds; null where that file is not here
 */
export async function lookAtOthers(
  names: Iterable<string>,
  taken: string,
  weightsOf: (name: string) => Promise<Weights | null>,
): Promise<Others> {
  const others: Others = { listed: [], embedding: null };
  for (const { name, kind } of knownNames(names)) {
    if (name === taken) continue;
    const weights = await weightsOf(name);
    const entry = weights?.entries.find((tensor) => tensor.name === name);
    if (weights !== null && entry !== undefined) {
      const { shape, storedDtype } = entry;
      others.listed.push({ name, file: weights.file, shape, dtype: storedDtype });
      if (kind === 'embedding') {
        others.embedding ??= { name, shape, source: rowSourceIfAny(weights, entry) };
      }
    } else if (weights === null && kind === 'embedding') {
      others.embedding ??= { name, shape: null, source: null };
    }
  }
  return others;
}
