import test from 'ava';
import { tokenizerNotes } from '../../../src/input/tokenizer/tokenizer-notes.js';

const tokenizer = (tokens: number, notes: string[] = []) => ({
  tokens,
  notes,
  has: () => true,
  text: () => '',
  isSpecial: () => false,
});

test('a tokenizer with as many tokens as rows needs no note', (t) => {
  t.deepEqual(tokenizerNotes(tokenizer(96), 96), []);
  t.deepEqual(tokenizerNotes(tokenizer(96, ['its own']), 96), ['its own']);
});

test('more rows than tokens, and more tokens than rows, are noted', (t) => {
  t.deepEqual(tokenizerNotes(tokenizer(151_669), 151_936), [
    "267 of 151,936 rows are beyond the tokenizer's 151,669 tokens",
  ]);
  t.deepEqual(tokenizerNotes(tokenizer(97, ['its own']), 96), [
    'its own',
    'the tokenizer has 97 tokens, the matrix 96 rows: the last tokens have none',
  ]);
});
