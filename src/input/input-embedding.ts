import type { RowSource } from './checkpoint.js';
import { recogniseTensor } from './matrix/recognise-tensor.js';
import { explainCheckpoint } from './open-checkpoint.js';

/**
 * Finds the input embedding of a checkpoint whose unembedding is another matrix.
 *
 * @param checkpoint path of the directory or file
 * @param unembedding name of the tensor that the run used, and the number of its rows
 * @returns its first rows, as many as the unembedding has; or, in words, why there is none
 */
export async function findInputEmbedding(
  checkpoint: string,
  { tensor, rows }: { tensor: string | null; rows: number },
): Promise<RowSource | string> {
  if (tensor === null) return 'the checkpoint is one bare matrix';
  if (recogniseTensor(tensor)?.rule.kind === 'embedding') return 'it is the matrix of the run';
  const { others, model } = await explainCheckpoint(checkpoint, { tensor });
  const found = others.find(({ name }) => recogniseTensor(name)?.rule.kind === 'embedding');
  if (found === undefined) return 'none lies beside the matrix of the run under a known name';
  if (model.tied === true) return 'the configuration says that it is tied to the matrix of the run';
  const { source } = await explainCheckpoint(checkpoint, { tensor: found.name });
  if (source.rows < rows) return `${found.name} has ${source.rows} rows, fewer than the ${rows} of the run`;
  return { ...source, rows };
}
