import type { Checkpoint } from './checkpoint.js';
import type { Model } from './model-config.js';

/**
 * What a model divides the stored head by before it uses it: the norm of each row (one a token), or the norm of each
 * column (one a hidden dimension).
 */
export const normalisations = ['rows', 'columns'] as const;

/** One of normalisations. */
export type Normalisation = (typeof normalisations)[number];

/** Lists the choices of what a run works on: the rows as they are stored, or as a model with a NormHead uses them. */
export const headRowChoices = ['stored', 'normalised'] as const;

/** One of headRowChoices. */
export type HeadRows = (typeof headRowChoices)[number];

/** The vocabulary of Baichuan 1, whose head is used as it is stored; its successors share the model type. */
const BAICHUAN_1_VOCABULARY = 64_000;

/**
 * Says whether a model has a NormHead: Baichuan 2 and its successors always, by rows; Ling and other Bailing models
 * where `norm_head` is true, by columns.
 *
 * @param saysNormHead `norm_head` of the configuration
 */
export function normalisationOf(
  { modelType, vocabSize }: Pick<Model, 'modelType' | 'vocabSize'>,
  saysNormHead: boolean,
): Normalisation | null {
  if (saysNormHead) return 'columns';
  return modelType?.startsWith('baichuan') && vocabSize !== BAICHUAN_1_VOCABULARY ? 'rows' : null;
}

/**
 * Decides whether the rows of a head are normalised: where nobody says otherwise, as the model does it.
 *
 * @param checkpoint its `normalisation` is what the model does
 * @param asked what the user said, undefined where nothing
 * @returns a checkpoint whose `normalisation` is what is to be done, and a note where there was a choice
 */
export function chooseHeadRows(checkpoint: Checkpoint, asked: HeadRows | undefined): Checkpoint {
  const { normalisation: ofModel, notes, source } = checkpoint;
  const normalisation = asked === 'normalised' ? (ofModel ?? 'rows') : asked === 'stored' ? null : ofModel;
  if (ofModel === null && normalisation === null) return checkpoint;
  const tensor = source.tensor ?? 'the matrix';
  const done = (by: Normalisation) => `each ${by === 'rows' ? 'row' : 'column'} of ${tensor} by its norm`;
  const model =
    ofModel === null
      ? 'the model is not known to have a NormHead'
      : `the model divides ${done(ofModel)} before it uses it (NormHead)`;
  const run =
    normalisation === null
      ? 'the rows are taken as they are stored'
      : `a run divides ${ofModel === null ? done(normalisation) : 'it so too'}${asked === undefined ? ', unless told --head-rows stored' : ''}`;
  return { ...checkpoint, normalisation, notes: [...notes, `${model}: ${run}`] };
}
