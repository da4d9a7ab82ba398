import { stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { InputError } from '../errors.js';
import { type CheckpointDirectory, localDirectory } from './checkpoint-directory.js';
import { type Dtype, dtypeOfSafetensors } from './dtype.js';
import { asInputError } from './file-error.js';
import { detectFormat } from './format.js';
import { type Model, readModelConfig } from './model-config.js';
import { readNpyHeader } from './npy.js';
import { readSafetensorsHeader, type SafetensorsEntry } from './safetensors.js';
import { shapeText } from './shape.js';
import { findTensor, listTensors, type TensorFiles } from './shards.js';
import { embeddingNames, unembeddingNames } from './tensor-names.js';

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

/**
 * Finds the unembedding matrix of a Hugging Face directory, or of a bare .safetensors or .npy file. Of the weights
 * nothing is read but headers.
 *
 * @param options.tensor takes this tensor instead of looking for one by the names in tensor-names.ts
 * @throws InputError where there is no such matrix, or not one of supported dtype and shape
 */
export async function openCheckpoint(path: string, options: { tensor?: string } = {}): Promise<Checkpoint> {
  const absolute = resolve(path);
  const isDirectory = await stat(absolute).then(
    (found) => found.isDirectory(),
    (error) => {
      throw asInputError(error, absolute, 'the checkpoint');
    },
  );
  if (!isDirectory) return openBareFile(absolute, options.tensor);
  return (await findMatrix(localDirectory(absolute), options.tensor)).checkpoint;
}

/**
 * The same for a Hugging Face directory wherever its weights lie.
 * @returns the matrix where it is there, and the name of its file in the directory
 */
export async function findMatrix(
  directory: CheckpointDirectory,
  asked: string | undefined,
): Promise<{ checkpoint: Checkpoint; file: string }> {
  const { path } = directory;
  const { model, files, name, file } = await findFile(directory, asked);
  if (name === undefined || file === undefined) throw await notFound(directory, files, asked, model.tied);
  const header = await directory.header(file);
  const source = rowSource(header.file, findTensor(header, name));
  checkHiddenSize(source, model);
  const notes = vocabularyNotes(source, model);
  return { checkpoint: { path, source, model, origin: null, notes }, file };
}

/** Which tensor the matrix is, and which file of the directory should hold it; undefined where there is none. */
export async function findFile(directory: CheckpointDirectory, asked: string | undefined) {
  const model = await readModelConfig(directory.path);
  const files = await listTensors(directory);
  const name = asked ?? findUnembedding(files, model.tied);
  return { model, files, name, file: name === undefined ? undefined : files.get(name) };
}

async function openBareFile(path: string, asked: string | undefined): Promise<Checkpoint> {
  const expected = 'a Hugging Face directory, a .safetensors file or a .npy file';
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
      return { path, source: await openBareSafetensors(path, asked), model, origin: null, notes: [] };
    case 'npy':
      return { path, source: await openBareNpy(path, asked), model, origin: null, notes: [] };
    case 'torch':
    case 'pickle':
      throw new InputError(
        `${path}: expected the checkpoint as ${expected}, found a PyTorch file; ` +
          'convert it: load it with transformers and call save_pretrained',
      );
  }
}

async function openBareSafetensors(path: string, asked: string | undefined): Promise<RowSource> {
  const { tensors } = await readSafetensorsHeader(path);
  const byName = new Map(tensors.map((entry) => [entry.name, entry]));
  const matrices = tensors.filter(({ shape }) => shape.length === 2);
  const only = matrices.length === 1 ? matrices[0]!.name : undefined;
  const name = asked ?? findUnembedding(byName, null) ?? only;
  const entry = name === undefined ? undefined : byName.get(name);
  if (entry === undefined) throw noMatrix(path, asked, matrices);
  return rowSource(path, entry);
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
  return checkMatrix(path, { dtype, storedDtype: dtype, shape, byteOffset, tensor: null });
}

/** The first known name that is there; of the embeddings only where config.json does not say that they are apart. */
function findUnembedding(names: ReadonlyMap<string, unknown>, tied: boolean | null): string | undefined {
  const candidates = tied === false ? unembeddingNames : [...unembeddingNames, ...embeddingNames];
  return candidates.find((name) => names.has(name));
}

function rowSource(file: string, { name, dtype, shape, byteOffset }: SafetensorsEntry): RowSource {
  return checkMatrix(file, {
    dtype: dtypeOfSafetensors(dtype),
    storedDtype: dtype,
    shape,
    byteOffset,
    tensor: name,
  });
}

/** @param found.dtype null where the stored one is none of ours */
function checkMatrix(
  file: string,
  found: {
    dtype: Dtype | null;
    storedDtype: string;
    shape: number[];
    byteOffset: number;
    tensor: string | null;
  },
): RowSource {
  const { dtype, storedDtype, shape, byteOffset, tensor } = found;
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
  return { file, byteOffset, rows, columns, dtype, tensor };
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
  return [
    `tensor ${tensor} has ${rows} rows, config.json says vocab_size ${vocabSize}; all ${rows} rows are used`,
  ];
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
      `${path}: config.json says that the embeddings are not tied, but none of ${unembeddingNames.join(', ')} is there; ` +
        `complete the checkpoint, or name the tensor, as with --tensor ${embedding}`,
    );
  }
  // Not before something is wrong: the other shards' headers are not needed otherwise.
  const headers = await Promise.all([...new Set(files.values())].map(directory.header));
  const tensors = headers.flatMap((header) => header.tensors);
  return noMatrix(
    path,
    asked,
    tensors.filter(({ shape }) => shape.length === 2),
  );
}

/** @param matrices the file's 2-D tensors, from which the user may choose */
function noMatrix(path: string, asked: string | undefined, matrices: SafetensorsEntry[]): InputError {
  const largest = matrices.toSorted((a, b) => b.byteLength - a.byteLength);
  const listed = largest
    .slice(0, 12)
    .map(({ name, shape, dtype }) => `${name} (${shapeText(shape)}, ${dtype})`);
  if (largest.length > listed.length) listed.push(`and ${largest.length - listed.length} smaller ones`);
  const missing = asked === undefined ? 'no unembedding matrix under a known name' : `no tensor ${asked}`;
  return new InputError(
    `${path}: ${missing}; ` +
      (listed.length === 0
        ? 'it has no 2-D tensor at all'
        : `name one with --tensor, of: ${listed.join(', ')}`),
  );
}
