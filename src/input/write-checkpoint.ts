import path from 'node:path';
import { makeDirectory } from '../files/make-directory.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { fileChunks } from '../formats/layout.js';
import { planSafetensorsFile } from '../formats/plan-safetensors.js';

/** Vectors of words, to be read as a checkpoint whose tokens are the words. */
export interface WordVectors {
  /** `model_type` of config.json. */
  modelType: string;
  /** Token i is words[i]. */
  words: readonly string[];
  /** [words, hidden] row-major. */
  vectors: Float32Array;
  /** Bias of each word's logit, [words], of vectors that are an output head. */
  bias?: Float32Array;
}

/**
 * Writes a Hugging Face directory: config.json, tokenizer.json with the words as a WordLevel vocabulary, and last
 * model.safetensors, float32, whose presence so means that the others are there.
 *
 * @throws RangeError where the vectors do not fill whole rows, one a word, there is not one bias a word, or a word occurs twice
 */
export function writeCheckpointDirectory(
  directory: string,
  { modelType, words, vectors, bias }: WordVectors,
): void {
  const hidden = vectors.length / words.length;
  if (!Number.isInteger(hidden) || hidden === 0) {
    throw new RangeError(`${vectors.length} numbers are no rows of ${words.length} words`);
  }
  if (bias !== undefined && bias.length !== words.length) {
    throw new RangeError(`${bias.length} numbers are no biases of ${words.length} words`);
  }
  const vocab = new Map(words.map((word, id) => [word, id]));
  if (vocab.size !== words.length) throw new RangeError(`${words.length - vocab.size} words occur twice`);
  makeDirectory(directory);
  const write = (name: string, chunks: Uint8Array[]) =>
    writeFileAtomically(path.join(directory, name), chunks);
  const json = (value: unknown) => [Buffer.from(`${JSON.stringify(value)}\n`)];
  const size = { hidden_size: hidden, vocab_size: words.length };
  write('config.json', json({ model_type: modelType, ...size, tie_word_embeddings: bias === undefined }));
  const model = { type: 'WordLevel', vocab: Object.fromEntries(vocab), unk_token: '<unk>' };
  write('tokenizer.json', json({ version: '1.0', added_tokens: [], decoder: null, model }));
  const name = bias === undefined ? 'model.embed_tokens.weight' : 'lm_head.weight';
  const dtype = 'float32' as const;
  const tensors = {
    [name]: { dtype, shape: [words.length, hidden] },
    ...(bias === undefined ? {} : { 'lm_head.bias': { dtype, shape: [words.length] } }),
  };
  const layout = planSafetensorsFile(tensors, { format: 'pt' });
  write('model.safetensors', fileChunks(layout, bias === undefined ? [vectors] : [vectors, bias]));
}
