import { openTokenizer } from '../input/tokenizer/open-tokenizer.js';
import { tokenizerNotes } from '../input/tokenizer/tokenizer-notes.js';

/** Knowledge of the V tokens apart from their rows. */
export interface Vocabulary {
  /** Text of each token; null for a row that no token has, and where no tokenizer says what its tokens stand for. */
  texts: (string | null)[];
  /** Whether a row has no token; null without a tokenizer. */
  isOrphan: (boolean | null)[];
  /** Whether a token is a special one; null without a tokenizer. */
  isSpecial: (boolean | null)[];
  /** Whether a token stands for one byte where nothing else fits; null without a tokenizer. */
  isByte: (boolean | null)[];
  /** Notes on the tokenizer, for the user. */
  notes: readonly string[];
}

/**
 * Reads the tokens of a checkpoint's tokenizer.
 *
 * @param checkpoint directory, or a bare file, which has no tokenizer
 * @param rows V
 * @throws InputError for a tokenizer that cannot be read
 */
export async function readVocabulary(checkpoint: string, rows: number): Promise<Vocabulary> {
  const tokenizer = await openTokenizer(checkpoint);
  if (tokenizer === null) {
    const unknown = new Array<null>(rows).fill(null);
    return { texts: unknown, isOrphan: unknown, isSpecial: unknown, isByte: unknown, notes: [] };
  }
  const texts = Array.from({ length: rows }, (_, id) => tokenizer.text(id));
  return {
    texts,
    isOrphan: texts.map((_, id) => !tokenizer.has(id)),
    isSpecial: texts.map((_, id) => tokenizer.isSpecial(id)),
    isByte: texts.map((_, id) => tokenizer.isByte(id)),
    notes: tokenizerNotes(tokenizer, rows),
  };
}
