import { count, counted } from '../../text/figures.js';
import type { Tokenizer } from './tokenizer.js';

/** Says what a user should know of a tokenizer beside a matrix of `rows` rows. */
export function tokenizerNotes(
  { tokens, notes }: Pick<Tokenizer, 'tokens' | 'notes'>,
  rows: number,
): string[] {
  if (tokens > rows) {
    const beyond = `the tokenizer has ${counted(tokens, 'token')}, the matrix ${counted(rows, 'row')}: the last tokens have none`;
    return [...notes, beyond];
  }
  if (tokens === rows) return [...notes];
  return [
    ...notes,
    `${count(rows - tokens)} of ${counted(rows, 'row')} ${rows - tokens === 1 ? 'is' : 'are'} beyond the tokenizer's ${counted(tokens, 'token')}`,
  ];
}
