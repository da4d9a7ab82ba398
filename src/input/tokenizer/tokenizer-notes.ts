import { count } from '../../text/figures.js';
import type { Tokenizer } from './tokenizer.js';

/** Says what a user should know of a tokenizer beside a matrix of `rows` rows. */
export function tokenizerNotes({ tokens, notes }: Tokenizer, rows: number): string[] {
  if (tokens > rows) {
    const beyond = `the tokenizer has ${count(tokens)} tokens, the matrix ${count(rows)} rows: the last tokens have none`;
    return [...notes, beyond];
  }
  if (tokens === rows) return [...notes];
  return [
    ...notes,
    `${count(rows - tokens)} of ${count(rows)} rows are beyond the tokenizer's ${count(tokens)} tokens`,
  ];
}
