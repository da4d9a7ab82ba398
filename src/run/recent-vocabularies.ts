import path from 'node:path';
import { exists } from '../files/exists.js';
import { hashFile } from '../files/hash-file.js';
import { tokenizerNames } from '../input/tokenizer/tokenizer-files.js';
import { readVocabulary, type Vocabulary } from '../tables/vocabulary.js';

/** Vocabularies of checkpoints that are read one after the other, most of them with one tokenizer. */
export class RecentVocabularies {
  #read: { key: string; vocabulary: Vocabulary } | undefined;

  /**
   * Reads the vocabulary of a checkpoint, or takes the last one where its tokenizer has the same bytes.
   *
   * @param checkpoint directory, or a bare file, which has no tokenizer
   * @param rows V
   */
  async of(checkpoint: string, rows: number): Promise<Vocabulary> {
    const key = `${rows} ${await tokenizerHashes(checkpoint)}`;
    if (this.#read?.key !== key) this.#read = { key, vocabulary: await readVocabulary(checkpoint, rows) };
    return this.#read.vocabulary;
  }
}

/** Hashes of all files that a tokenizer may be in. */
async function tokenizerHashes(checkpoint: string): Promise<string> {
  const hashes = tokenizerNames.map(async (name) => {
    const file = path.join(checkpoint, name);
    return (await exists(file, 'the tokenizer')) ? `${name} ${await hashFile(file, 'the tokenizer')}` : '';
  });
  return (await Promise.all(hashes)).join(' ');
}
