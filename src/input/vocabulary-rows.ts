import { InputError } from '../errors.js';
import type { RowSelection } from '../plan/row-selection.js';
import { count, counted } from '../text/figures.js';
import type { Checkpoint } from './checkpoint.js';
import { openTokenizer } from './tokenizer/open-tokenizer.js';

/**
 * Leaves out the rows beyond the tokenizer's tokens, which no text can reach, where that is asked for. Where there are more
 * tokens than rows, as some multimodal models have for their images, all rows have one.
 *
 * @returns a checkpoint with V as selected, and a note of what was left out
 * @throws InputError where the checkpoint has no tokenizer
 */
export async function selectRows(checkpoint: Checkpoint, selection: RowSelection): Promise<Checkpoint> {
  if (selection === 'all') return checkpoint;
  const { path, source, notes } = checkpoint;
  const tokenizer = await openTokenizer(path);
  if (tokenizer === null) {
    throw new InputError(
      `${path}: rows are to be those of the tokenizer, but there is no tokenizer.json (nor another file of a tokenizer) ` +
        'beside the weights; add it, or keep all rows: --rows all',
    );
  }
  const { tokens } = tokenizer;
  if (tokens > source.rows)
    return { ...checkpoint, notes: [...notes, 'all rows have a token: none is left out'] };
  const beyond = source.rows - tokens;
  const note =
    `${count(beyond)} of ${counted(source.rows, 'row')} ${beyond === 1 ? 'is' : 'are'} beyond the tokenizer's ` +
    `${counted(tokens, 'token')} and left out`;
  return { ...checkpoint, source: { ...source, rows: tokens }, notes: [...notes, note] };
}
