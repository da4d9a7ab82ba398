import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { InputError } from '../errors.js';
import { asInputError } from '../files/read-error.js';
import { openBareFile } from './bare-file.js';
import type { Checkpoint, ExplainedCheckpoint } from './checkpoint.js';
import { localDirectory } from './checkpoint-directory.js';
import { checkpointKind } from './checkpoint-kind.js';
import { findMatrix } from './matrix/find-matrix.js';
import type { AskedMatrix } from './matrix/matrix-side.js';
import { nameWithoutOwner } from './name-without-owner.js';
import type { NormWish } from './norm/find-norm.js';

/**
 * Finds the unembedding matrix of a Hugging Face directory (safetensors, or pytorch_model.bin), of one in Llama's or
 * Mistral's own format, of a bare .safetensors file, a state_dict of torch.save, or a .npy file. Of the weights nothing is
 * read but headers, and some rows of a head and an embedding that are to be compared.
 *
 * @param options.tensor takes this tensor instead of looking for one by the names in tensor-names.ts
 * @param options.side looks for the matrix of this side of the model
 * @throws InputError where there is no such matrix, or not one of supported dtype and shape
 */
export async function openCheckpoint(path: string, options: AskedMatrix = {}): Promise<Checkpoint> {
  const { reason: _, others: __, norm: ___, ...checkpoint } = await explainCheckpoint(path, options);
  return checkpoint;
}

/**
 * Opens a checkpoint as openCheckpoint does, and says how the matrix was found.
 *
 * @param asked.wish what is wanted of the final norm, which is only looked for here
 */
export async function explainCheckpoint(
  path: string,
  { wish, ...asked }: AskedMatrix & { wish?: NormWish | undefined } = {},
): Promise<ExplainedCheckpoint> {
  const absolute = resolve(path);
  const isDirectory = await stat(absolute).then(
    (found) => found.isDirectory(),
    (error) => {
      throw nameWithoutOwner(path, asInputError(error, absolute, 'the checkpoint'));
    },
  );
  if (absolute.endsWith('.json') && checkpointKind(dirname(absolute)) !== null)
    throw new InputError(`${path}: is a part of a checkpoint; give its directory, ${dirname(absolute)}`);
  if (!isDirectory) return openBareFile(absolute, asked, wish);
  const found = await findMatrix(localDirectory(absolute), asked, wish);
  const { checkpoint, reason, others, norm } = found;
  return { ...checkpoint, reason, others, norm };
}
