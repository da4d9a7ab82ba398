import { InputError } from '../../errors.js';
import { shapeText } from '../../formats/shape.js';
import { harmlessText } from '../../text/visible-text.js';
import type { WeightEntry } from '../weights/weights.js';
import type { Tensors } from './choose-tensor.js';
import type { AskedMatrix } from './matrix-side.js';
import type { Search } from './unembedding.js';

/** Makes the error for a search that ended at a layer that is no matrix, at several, or at embeddings that are not tied. */
export function searchRefusal(
  { path, config }: Pick<Tensors, 'path' | 'config'>,
  search: Extract<Search, { is: 'in parts' | 'several' | 'untied' }>,
): InputError {
  if (search.is === 'untied') {
    return new InputError(
      `${path}: ${config} says that the embeddings are not tied, but there is no lm_head.weight, nor ` +
        'an unembedding matrix under another known name; ' +
        `complete the checkpoint, or name the tensor, as with --tensor ${search.embedding}`,
    );
  }
  if (search.is === 'several') {
    return new InputError(
      `${path}: holds tensors of several unembeddings, ${listed(search.heads)}, and nothing says which is the model's; ` +
        'name the matrix with --tensor, or give a checkpoint with one of them alone',
    );
  }
  const { kind, stem, parts } = search;
  return new InputError(
    `${path}: the ${kind} ${stem} is there, but not as a matrix: it is stored as ${listed(parts)}, quantised or as ` +
      `an adapter; give the checkpoint before it was quantised, or one with ${stem}.weight in bfloat16, float16 or float32`,
  );
}

function listed(names: readonly string[]): string {
  const some = names.slice(0, 6).map(harmlessText);
  if (names.length > some.length) some.push(`${names.length - some.length} more`);
  return some.join(', ');
}

/**
 * Makes the error for names among which none is known, or not the one that was asked for.
 *
 * @param asked what the user has said of the matrix
 * @param entries the tensors from whose matrices the user may choose
 */
export function noMatrix(
  path: string,
  { tensor, side }: AskedMatrix,
  entries: readonly WeightEntry[],
): InputError {
  const largest = entries
    .filter(({ shape }) => shape.length === 2)
    .toSorted((a, b) => b.shape[0]! * b.shape[1]! - a.shape[0]! * a.shape[1]!);
  const listed = largest
    .slice(0, 12)
    .map(({ name, shape, storedDtype }) => `${harmlessText(name)} (${shapeText(shape)}, ${storedDtype})`);
  if (largest.length > listed.length) listed.push(`and ${largest.length - listed.length} smaller ones`);
  const wanted = side === 'input' ? 'input embedding' : 'unembedding matrix';
  const missing = tensor === undefined ? `no ${wanted} under a known name` : `no tensor ${tensor}`;
  return new InputError(
    `${path}: ${missing}; ` +
      (listed.length === 0
        ? 'it has no 2-D tensor at all; give the checkpoint, or the shard of it, that has the matrix'
        : `name one with --tensor, of: ${listed.join(', ')}`),
  );
}
