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
  { name, kind, reason, isInput }: Choice,
  source: RowSource,
  embedding: Embedding | null,
  config: ModelConfig | null,
): string[] {
  const beside = kind === 'unembedding' ? embedding : null;
  const whole = config?.file === OWN_CONFIG ? config.model.vocabSize : null;
  // Before its part: a matrix that is stored transposed looks like one of as many parts as fit.
  if (config !== null) checkWidth(source, config.model, config.file);
  refusePartByShape(source, beside?.shape ?? null, whole);
  if (reason !== NAMED_BY_USER) {
    if (config?.model.tied !== false) refuseClassifier(source, beside, config);
    if (kind !== null) refuseFraction(source, beside, config);
  }
  if (config === null) return shapeNotes(source);
  const { file, model } = config;
  const untied =
    kind === 'embedding' && isInput !== true && model.tied === false
      ? [`${file} says that the embeddings are not tied: ${name} is not what the model unembeds with`]
      : [];
  const notes = [...vocabularyNotes(source, model, file), ...untied];
  return beside === null ? notes : [...notes, ...tyingNotes(source, beside, model.tied, file)];
}

/** Refuses a head that may be a classifier's where an embedding beside it has the size of the vocabulary. */
function refuseClassifier(
  { file, tensor, rows }: RowSource,
  embedding: Embedding | null,
  config: ModelConfig | null,
): void {
  const known = recogniseTensor(tensor ?? '');
  if (known === null || !isAmbiguous(known.rule) || embedding === null) return;
  const vocabulary = vocabularyBy(embedding, config);
  if (vocabulary === null || rows === vocabulary.rows || embedding.shape?.[0] !== vocabulary.rows) return;
  throw new InputError(
    `${file}: ${tensor} has ${counted(rows, 'row')}, but ${vocabulary.said}, the size of the embedding ${embedding.name}: it may be ` +
      'the head of a classifier; name the one that the model unembeds with, as with ' +
      `--tensor ${embedding.name}`,
  );
}

/** Refuses a matrix of at most half the vocabulary. One that lacks fewer rows is noted alone. */
function refuseFraction(
  { file, tensor, rows, columns }: RowSource,
  embedding: Embedding | null,
  config: ModelConfig | null,
): void {
  const vocabulary = vocabularyBy(embedding, config);
  if (vocabulary === null || rows * 2 > vocabulary.rows) return;
  throw new InputError(
    `${file}: tensor ${tensor}, ${rows} x ${columns}, holds fewer rows than the vocabulary, as ${vocabulary.said}: one part ` +
      `of several, or cut; give the whole matrix, or take it as it is with --tensor ${tensor}`,
  );
}

/** The size of the vocabulary by the configuration, or else by the embedding; null where neither says it. */
function vocabularyBy(
  embedding: Embedding | null,
  config: ModelConfig | null,
): { rows: number; said: string } | null {
  const said = config?.model.vocabSize ?? null;
  if (said !== null) return { rows: said, said: `${config?.file} says vocab_size ${said}` };
  const rows = embedding?.shape?.[0];
  return rows === undefined ? null : { rows, said: `there are ${rows} tokens by ${embedding?.name}` };
}

/** True for what the model unembeds with: an unembedding, or an embedding that is tied to it. */
export function isHead({ kind, isInput }: Choice, { tied }: Model): boolean {
  if (isInput === true) return false;
  return kind === 'unembedding' || (kind === 'embedding' && tied === true);
}

/** Whether the model unembeds with a chosen matrix; null where its name does not tell. */
export function unembeds(choice: Choice, model: Model): boolean | null {
  if (choice.isInput === true) return false;
  return choice.kind === null ? null : choice.kind === 'unembedding' || isTiedEmbedding(choice, model);
}

/** True for an embedding that the model unembeds with: tied, or taken because there is nothing else and nothing says no. */
export function isTiedEmbedding({ kind, reason, isInput }: Choice, { tied }: Model): boolean {
  return kind === 'embedding' && isInput !== true && (tied ?? reason !== NAMED_BY_USER);
}

/** Without a configuration only a vocabulary smaller than its width tells that the two may be the wrong way round. */
function shapeNotes({ tensor, rows, columns }: RowSource): string[] {
  if (rows >= columns) return [];
  return [
    `${tensor === null ? 'the array' : `tensor ${tensor}`} has ${counted(rows, 'row')} of ${counted(columns, 'number')}: ` +
      'is it stored transposed? Its rows are taken for the tokens',
  ];
}
