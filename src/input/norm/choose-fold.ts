import { InputError } from '../../errors.js';
import type { Checkpoint, NormSearch } from '../checkpoint.js';
import type { NormWish } from './find-norm.js';
import { normTraits } from './norm-rules.js';

/** Lists the choices of what a run works on: rows without the final norm, or with it folded in. */
export const foldNormChoices = ['no', 'yes'] as const;

/** One of foldNormChoices. */
export type FoldNorm = (typeof foldNormChoices)[number];

/**
 * Decides whether the final norm is folded into the rows: where that is wished.
 *
 * @param search what was found of it; null where nobody looked
 * @returns a checkpoint whose `finalNorm` is what is to be folded, and a note that says so
 * @throws InputError where it is wished, and there is none that can be folded
 */
export function chooseFold(
  checkpoint: Checkpoint,
  search: NormSearch | null,
  wish: NormWish | undefined,
): Checkpoint {
  if (wish?.isFolded !== true || search === null) return checkpoint;
  if (search.norm === null) throw new InputError(search.problem);
  const { rule, by, weight, bias } = search.norm;
  const offset = bias === null ? '' : `; its bias ${bias.tensor} is part of the logit bias`;
  const note = `the final norm ${weight.tensor} is folded into the rows: ${normTraits[rule].text}, by ${by}${offset}`;
  return { ...checkpoint, finalNorm: search.norm, notes: [...checkpoint.notes, note] };
}
