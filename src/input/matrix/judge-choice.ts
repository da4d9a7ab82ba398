import { InputError } from '../../errors.js';
import { counted } from '../../text/figures.js';
import type { RowSource } from '../checkpoint.js';
import type { Model, ModelConfig } from '../model-config.js';
import { checkWidth, vocabularyNotes } from './check-matrix.js';
import { refusePartByShape } from './model-parallel.js';
import { isAmbiguous, recogniseTensor } from './recognise-tensor.js';
import { type Embedding, tyingNotes } from './tying-notes.js';
import { type Choice, NAMED_BY_USER } from './unembedding.js';

/** The configuration of Llama's and Mistral's own format, whose `vocab_size` is the number of rows. */
const OWN_CONFIG = 'params.json';

/**
 * Holds the tensor that was chosen against what else is known: the width and the vocabulary of the configuration, what it
 * says of tied embeddings, and the embedding that lies beside.
 *
 * @param embedding the embedding beside the chosen tensor; null where there is none
 * @param config null for a file that no configuration speaks of
 * @returns what a user should know
 * @throws InputError where the tensor cannot be the whole unembedding matrix
 */
export function judgeChoice(
  { name, kind, reason }: Choice,
  source: RowSource,
  embedding: Embedding | null,
  config: ModelConfig | null,
): string[] {
  const beside = kind === 'unembedding' ? embedding : null;
  const whole = config?.file === OWN_CONFIG ? config.model.vocabSize : null;
  refusePartByShape(source, beside?.shape ?? null, whole);
  if (config === null) return shapeNotes(source);
  const { file, model } = config;
  checkWidth(source, model, file);
  if (reason !== NAMED_BY_USER) {
    refuseClassifier(source, beside, config);
    if (kind !== null) refuseFraction(source, config);
  }
  const untied =
    kind === 'embedding' && model.tied === false
      ? [`${file} says that the embeddings are not tied: ${name} is not what the model unembeds with`]
      : [];
  const notes = [...vocabularyNotes(source, model, file), ...untied];
  return beside === null ? notes : [...notes, ...tyingNotes(source, beside, model.tied, file)];
}

/** Refuses a head that may be a classifier's where an embedding beside it has the size of the vocabulary. */
function refuseClassifier(
  { file, tensor, rows }: RowSource,
  embedding: Embedding | null,
  { file: config, model: { vocabSize, tied } }: ModelConfig,
): void {
  const known = recogniseTensor(tensor ?? '');
  if (known === null || !isAmbiguous(known.rule) || embedding === null) return;
  if (tied === false || rows === vocabSize || embedding.shape?.[0] !== vocabSize) return;
  throw new InputError(
    `${file}: ${tensor} has ${counted(rows, 'row')}, but ${config} says vocab_size ${vocabSize}, which is the size of ` +
      `${embedding.name}: it may be the head of a classifier; name the one that the model unembeds with, as with ` +
      `--tensor ${embedding.name}`,
  );
}

/** Refuses a matrix of at most half the vocabulary. One that lacks fewer rows is noted alone. */
function refuseFraction(
  { file, tensor, rows, columns }: RowSource,
  { file: config, model: { vocabSize } }: ModelConfig,
): void {
  if (vocabSize === null || rows * 2 > vocabSize) return;
  throw new InputError(
    `${file}: tensor ${tensor}, ${rows} x ${columns}, holds fewer rows than the vocabulary, by ${config} ${vocabSize}: ` +
      `one part of several, or cut; give the whole matrix, or take it as it is with --tensor ${tensor}`,
  );
}

/** True for what the model unembeds with: an unembedding, or an embedding that is tied to it. */
export function isHead({ kind }: Choice, { tied }: Model): boolean {
  return kind === 'unembedding' || (kind === 'embedding' && tied === true);
}

/** Without a configuration only a vocabulary smaller than its width tells that the two may be the wrong way round. */
function shapeNotes({ tensor, rows, columns }: RowSource): string[] {
  if (rows >= columns) return [];
  return [
    `${tensor === null ? 'the array' : `tensor ${tensor}`} has ${counted(rows, 'row')} of ${counted(columns, 'number')}: ` +
      'is it stored transposed? Its rows are taken for the tokens',
  ];
}
