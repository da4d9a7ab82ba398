import { stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { InputError } from '../errors.js';
import { asInputError } from '../files/read-error.js';
import { detectFormat } from '../formats/detect-format.js';
import type { Dtype } from '../formats/dtype.js';
import { readNpyHeader } from '../formats/npy.js';
import { shapeText } from '../formats/shape.js';
import { type CheckpointDirectory, localDirectory } from './checkpoint-directory.js';
import { type Model, readModelConfig } from './model-config.js';
import { findTensor, listTensors, type TensorFiles } from './shards.js';
import { embeddingNames } from './tensor-names.js';
import { type Choice, chooseUnembedding, knownNames, NAMED_BY_USER } from './unembedding.js';
import { readSafetensorsWeights, readTorchWeights, type WeightEntry, type Weights } from './weights.js';

/** The unembedding matrix gamma where it lies: [rows, columns] row-major, little-endian, without gaps. */
export interface RowSource {
  /** Absolute path. */
  file: string;
  /** Of row 0, from the start of the file. */
  byteOffset: number;
  /** V */
  rows: number;
  /** d */
  columns: number;
  dtype: 'bfloat16' | 'float16' | 'float32';
  /** The tensor's name in the file, null where the file is one bare array. */
  tensor: string | null;
}

/** The bytes of the hub that the matrix is. */
export interface HubOrigin {
  /** 'owner/name' */
  repository: string;
  /** The revision, pinned: 40 hexadecimal digits. */
  commit: string;
  /** Name of the file in the repository. */
  file: string;
  /** Of the matrix in that file; `end` is exclusive. */
  byteRange: { begin: number; end: number };
  /** The hub that it was downloaded from, or the directory of the hub's own cache in which it was found. */
  from: string;
}

/** Plain data: it can be printed, stored, and sent to a worker. */
export interface Checkpoint {
  /** Absolute path of the directory or file that was given. */
  path: string;
  source: RowSource;
  model: Model;
  /** Where on the hub the matrix is from; null where nothing says so. */
  origin: HubOrigin | null;
  /** What a user should know though it stops nothing. */
  notes: string[];
}

/** A checkpoint, and how its matrix was found. */
export interface ExplainedCheckpoint extends Checkpoint {
  /** Why this tensor, for a user. */
  reason: string;
  /** The other tensors under known names, by the file that holds each. */
  others: { name: string; file: string }[];
}

/**
 * Finds the unembedding matrix of a Hugging Face directory (safetensors, or pytorch_model.bin), of a bare
 * .safetensors file, a state_dict of torch.save, or a .npy file. Of the weights nothing is read but headers.
 *
 * @param options.tensor takes this tensor instead of looking for one by the names in tensor-names.ts
 * @throws InputError where there is no such matrix, or not one of supported dtype and shape
 */
export async function openCheckpoint(path: string, options: { tensor?: string } = {}): Promise<Checkpoint> {
  const { reason: _, others: __, ...checkpoint } = await explainCheckpoint(path, options);
  return checkpoint;
}

/** As openCheckpoint, and says how the matrix was found. */
export async function explainCheckpoint(
  path: string,
  options: { tensor?: string } = {},
): Promise<ExplainedCheckpoint> {
  const absolute = resolve(path);
  const isDirectory = await stat(absolute).then(
    (found) => found.isDirectory(),
    (error) => {
      throw asInputError(error, absolute, 'the checkpoint');
    },
  );
  if (!isDirectory) return openBareFile(absolute, options.tensor);
  const { checkpoint, reason, others } = await findMatrix(localDirectory(absolute), options.tensor);
  return { ...checkpoint, reason, others };
}

/**
 * The same for a Hugging Face directory wherever its weights lie.
 * @returns the matrix where it is there, the name of its file in the directory, and how it was found
 */
export async function findMatrix(
  directory: CheckpointDirectory,
  asked: string | undefined,
): Promise<{ checkpoint: Checkpoint; file: string } & Pick<ExplainedCheckpoint, 'reason' | 'others'>> {
  const { path } = directory;
  const { model, files, choice, file } = await findFile(directory, asked);
  if (choice === null || file === undefined) throw await notFound(directory, files, asked, model.tied);
  const weights = await directory.weights(file);
  const source = rowSource(weights, findTensor(weights, choice.name));
  checkHiddenSize(source, model);
  const others = knownNames(new Set(files.keys()))
    .filter((name) => name !== choice.name)
    .map((name) => ({ name, file: join(path, files.get(name)!) }));
  const notes = vocabularyNotes(source, model);
  return { checkpoint: { path, source, model, origin: null, notes }, file, reason: choice.reason, others };
}

/** Which tensor the matrix is, and which file of the directory should hold it; undefined where there is none. */
export async function findFile(directory: CheckpointDirectory, asked: string | undefined) {
  const model = await readModelConfig(directory.path);
  const files = await listTensors(directory);
  const choice =
    asked === undefined ? chooseUnembedding(new Set(files.keys()), model.tied) : chosenByUser(asked);
  return { model, files, choice, file: choice === null ? undefined : files.get(choice.name) };
}

async function openBareFile(path: string, asked: string | undefined): Promise<ExplainedCheckpoint> {
  const expected = 'a Hugging Face directory, a .safetensors file, a state_dict of torch.save or a .npy file';
  const format = await detectFormat(path, 'the checkpoint', expected);
  const model: Model = {
    name: basename(path, extname(path)),
    revision: null,
    modelType: null,
    tied: null,
    hiddenSize: null,
    vocabSize: null,
  };
  switch (format) {
    case 'safetensors':
      return {
        path,
        model,
        origin: null,
        notes: [],
        ...openBareWeights(await readSafetensorsWeights(path), asked),
      };
    case 'torch':
    // The same reader, for its message about the formats before the zip archive.
    case 'pickle':
      return {
        path,
        model,
        origin: null,
        notes: [],
        ...openBareWeights(await readTorchWeights(path), asked),
      };
    case 'npy': {
      const source = await openBareNpy(path, asked);
      return {
        path,
        model,
        origin: null,
        notes: [],
        source,
        reason: 'the only array of the file',
        others: [],
      };
    }
  }
}

function openBareWeights(
  weights: Weights,
  asked: string | undefined,
): Pick<ExplainedCheckpoint, 'source' | 'reason' | 'others'> {
  const { file, entries } = weights;
  const names = new Set(entries.map(({ name }) => name));
  const choice =
    asked === undefined ? (chooseUnembedding(names, null) ?? onlyMatrix(entries)) : chosenByUser(asked);
  const entry = choice === null ? undefined : entries.find(({ name }) => name === choice.name);
  if (choice === null || entry === undefined) throw noMatrix(file, asked, entries);
  const others = knownNames(names)
    .filter((name) => name !== choice.name)
    .map((name) => ({ name, file }));
  return { source: rowSource(weights, entry), reason: choice.reason, others };
}

function chosenByUser(name: string): Choice {
  return { name, reason: NAMED_BY_USER };
}

function onlyMatrix(entries: readonly WeightEntry[]): Choice | null {
  const matrices = entries.filter(({ shape }) => shape.length === 2);
  return matrices.length === 1 ? { name: matrices[0]!.name, reason: 'the only matrix of the file' } : null;
}

async function openBareNpy(path: string, asked: string | undefined): Promise<RowSource> {
  if (asked !== undefined) {
    throw new InputError(
      `${path}: a .npy file holds one array without a name; leave out the tensor ${asked}`,
    );
  }
  const { dtype, shape, fortranOrder, byteOffset } = await readNpyHeader(path);
  if (fortranOrder) {
    throw new InputError(
      `${path}: the array is in Fortran order, expected C order (row after row); ` +
        'save it again as numpy.save(path, numpy.ascontiguousarray(a))',
    );
  }
  return { ...checkMatrix(path, { dtype, storedDtype: dtype, shape, tensor: null }), byteOffset };
}

function rowSource(weights: Weights, entry: WeightEntry): RowSource {
  // Checked before its place: a tensor that does not fit at all should be refused for that.
  const matrix = checkMatrix(weights.file, { ...entry, tensor: entry.name });
  return { ...matrix, byteOffset: weights.byteOffset(entry) };
}

/** @param found.dtype null where the stored one is none of ours */
function checkMatrix(
  file: string,
  found: {
    dtype: Dtype | null;
    storedDtype: string;
    shape: readonly number[];
    tensor: string | null;
  },
): Omit<RowSource, 'byteOffset'> {
  const { dtype, storedDtype, shape, tensor } = found;
  const what = tensor === null ? 'the array' : `tensor ${tensor}`;
  const [rows, columns] = shape;
  if (rows === undefined || columns === undefined || shape.length > 2 || rows * columns === 0) {
    throw new InputError(
      `${file}: ${what} is ${shapeText(shape)}, expected a matrix of vocabulary rows by hidden size; name another tensor`,
    );
  }
  if (dtype === null || dtype === 'float64') {
    const advice =
      dtype === 'float64'
        ? 'convert it to float32'
        : 'give the checkpoint before it was quantised, or convert it';
    throw new InputError(
      `${file}: ${what} has the dtype ${storedDtype}, expected bfloat16, float16 or float32; ${advice}`,
    );
  }
  return { file, rows, columns, dtype, tensor };
}

function checkHiddenSize({ file, tensor, rows, columns }: RowSource, { hiddenSize }: Model): void {
  if (hiddenSize === null || hiddenSize === columns) return;
  throw new InputError(
    `${file}: tensor ${tensor} is ${rows} x ${columns}, but config.json says hidden size ${hiddenSize}; ` +
      'name another tensor, or put right what does not belong to this checkpoint',
  );
}

function vocabularyNotes({ tensor, rows }: RowSource, { vocabSize }: Model): string[] {
  if (vocabSize === null || vocabSize === rows) return [];
  return [`tensor ${tensor} has ${rows} rows, config.json says vocab_size ${vocabSize}`];
}

async function notFound(
  directory: CheckpointDirectory,
  files: TensorFiles,
  asked: string | undefined,
  tied: boolean | null,
) {
  const { path } = directory;
  const embedding = embeddingNames.find((name) => files.has(name));
  if (asked === undefined && tied === false && embedding !== undefined) {
    return new InputError(
      `${path}: config.json says that the embeddings are not tied, but there is no lm_head.weight, nor ` +
        'an unembedding matrix under another known name; ' +
        `complete the checkpoint, or name the tensor, as with --tensor ${embedding}`,
    );
  }
  // Not before something is wrong: the other shards' headers are not needed otherwise.
  const weights = await Promise.all([...new Set(files.values())].map(directory.weights));
  return noMatrix(
    path,
    asked,
    weights.flatMap(({ entries }) => entries),
  );
}

/** @param entries the tensors from whose matrices the user may choose */
function noMatrix(path: string, asked: string | undefined, entries: readonly WeightEntry[]): InputError {
  const largest = entries
    .filter(({ shape }) => shape.length === 2)
    .toSorted((a, b) => b.shape[0]! * b.shape[1]! - a.shape[0]! * a.shape[1]!);
  const listed = largest
    .slice(0, 12)
    .map(({ name, shape, storedDtype }) => `${name} (${shapeText(shape)}, ${storedDtype})`);
  if (largest.length > listed.length) listed.push(`and ${largest.length - listed.length} smaller ones`);
  const missing = asked === undefined ? 'no unembedding matrix under a known name' : `no tensor ${asked}`;
  return new InputError(
    `${path}: ${missing}; ` +
      (listed.length === 0
        ? 'it has no 2-D tensor at all'
        : `name one with --tensor, of: ${listed.join(', ')}`),
  );
}
