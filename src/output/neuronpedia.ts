import path from 'node:path';
import { InputError } from '../errors.js';
import { makeDirectory } from '../files/make-directory.js';
import { namesIn } from '../files/names-in.js';
import { writeFileAtomically } from '../files/partial-file.js';
import { LISTS, listOf } from '../tables/extremes.js';
import { type RankedVectors, rankedToken } from '../tables/vector-table.js';

/** Tokens that a list of the site has. */
const TOKENS = 10;

/** Features that stand in a file. */
const FEATURES = 1024;

/** Refuses a folder in which something lies. @throws InputError that names it */
export function refuseUsedFolder(folder: string): void {
  if (namesIn(folder).length === 0) return;
  throw new InputError(
    `${folder}: something lies there; give --neuronpedia a folder that is empty, or not there yet`,
  );
}

/**
 * Writes those of Neuronpedia's fields of a feature that follow from its vector: the tokens of the largest and the smallest
 * logits, in files batch-0.json, ..., each with the features in order.
 *
 * @param model what the model is called
 * @param texts of all tokens, [V]
 * @param firstVector number of the first vector
 */
export function writeNeuronpedia(
  folder: string,
  { model, ranked, texts, firstVector }: NeuronpediaFeatures,
): void {
  makeDirectory(folder);
  const count = ranked.part.norm.length;
  for (let first = 0; first < count; first += FEATURES) {
    const features = Array.from({ length: Math.min(FEATURES, count - first) }, (_, k) => ({
      feature_index: firstVector + first + k,
      ...fieldsOf(ranked, texts, first + k),
    }));
    const text = `${JSON.stringify({ model_id: model, features })}\n`;
    const name = `batch-${Math.floor(first / FEATURES)}.json`;
    writeFileAtomically(path.join(folder, name), [Buffer.from(text)]);
  }
}

/** Vectors whose nearest tokens are known. */
export interface NeuronpediaFeatures {
  model: string;
  ranked: RankedVectors;
  texts: ArrayLike<unknown>;
  firstVector: number;
}

function fieldsOf(ranked: RankedVectors, texts: ArrayLike<unknown>, vector: number) {
  const tokens = (side: '+' | '-') => {
    const first = (vector * LISTS + listOf('projection', side)) * ranked.top;
    return Array.from({ length: Math.min(TOKENS, ranked.top) }, (_, place) =>
      rankedToken(ranked, first + place),
    ).filter((token) => token !== null);
  };
  const texted = (id: number) => (texts[id] ?? `<${id}>`) as string;
  const [positive, negative] = [tokens('+'), tokens('-')];
  return {
    pos_str: positive.map(({ token }) => texted(token)),
    pos_values: positive.map(({ value }) => value),
    neg_str: negative.map(({ token }) => texted(token)),
    neg_values: negative.map(({ value }) => value),
  };
}
