import { join } from 'node:path';
import { exists } from '../../files/exists.js';
import { openSentencePiece } from './sentencepiece.js';
import { openTekken } from './tekken.js';
import { isTiktoken, openTiktoken } from './tiktoken.js';
import type { Tokenizer } from './tokenizer.js';
import { openTokenizerJson } from './tokenizer-json.js';
import { openVocabularyJson } from './vocabulary-json.js';

/**
 * Opens the tokenizer of a checkpoint's directory, the first that is there: tokenizer.json; vocab.json with merges.txt, the
 * two files of GPT-2's and other tokenizers; Mistral's tekken.json; tiktoken's own format (Kimi, Qwen 1, Llama 3);
 * sentencepiece's tokenizer.model.
 *
 * @returns null where none is there
 * @throws InputError for a file that is none
 */
export async function openTokenizer(directory: string): Promise<Tokenizer | null> {
  const has = (name: string) => exists(join(directory, name), 'the tokenizer');
  if (await has('tokenizer.json')) return openTokenizerJson(join(directory, 'tokenizer.json'));
  if ((await has('vocab.json')) && (await has('merges.txt'))) return openVocabularyJson(directory);
  if (await has('tekken.json')) return openTekken(join(directory, 'tekken.json'));
  for (const name of ['tiktoken.model', 'qwen.tiktoken']) {
    if (await has(name)) return openTiktoken(directory, name);
  }
  if (!(await has('tokenizer.model'))) return null;
  return (await isTiktoken(join(directory, 'tokenizer.model')))
    ? openTiktoken(directory, 'tokenizer.model')
    : openSentencePiece(directory, 'tokenizer.model');
}
