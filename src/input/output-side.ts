import type { NormSearch, RowSource } from './checkpoint.js';
import { type FoundBias, findLogitBias } from './logit-bias.js';
import { isTiedEmbedding, unembeds } from './matrix/judge-choice.js';
import type { Choice } from './matrix/unembedding.js';
import type { Model } from './model-config.js';
import { findNorm, type NormWish, type TensorPlaces } from './norm/find-norm.js';

/** What stands beside a matrix where the model unembeds with it: the bias of its logits, and the norm before it. */
export interface OutputSide extends FoundBias {
  /** Null where it was not looked for. */
  norm: NormSearch | null;
}

/**
 * Looks for what stands beside a chosen matrix on the output side of the model.
 *
 * @param source rows of the matrix
 * @param wish what is wanted of the final norm
 */
export async function findOutputSide(
  places: TensorPlaces,
  source: RowSource,
  { choice, model, wish }: { choice: Choice; model: Model; wish: NormWish | undefined },
): Promise<OutputSide> {
  const isOutput = unembeds(choice, model);
  const matrix = { rows: source.rows, isTied: isTiedEmbedding(choice, model) };
  const { bias, notes } = isOutput
    ? await findLogitBias(places, choice.name, matrix)
    : { bias: null, notes: [] };
  const norm = wish === undefined ? null : await findNorm(places, { ...source, isOutput }, wish);
  return { bias, notes, norm };
}
