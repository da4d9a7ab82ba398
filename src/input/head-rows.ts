import type { Checkpoint } from './checkpoint.js';
import type { Normalisation } from './normalisation.js';

/** Lists the choices of what a run works on: the rows as they are stored, or as a model with a NormHead uses them. */
export const headRowChoices = ['stored', 'normalised'] as const;

/** One of headRowChoices. */
export type HeadRows = (typeof headRowChoices)[number];

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
