import { basename, extname } from 'node:path';
import { InputError } from '../errors.js';
import { detectFormat } from '../formats/detect-format.js';
import { readNpyHeader } from '../formats/npy.js';
import type { ExplainedCheckpoint } from './checkpoint.js';
import { type DirectoryAround, directoryAround } from './directory-around.js';
import { checkMatrix, rowSource } from './matrix/check-matrix.js';
import { type ChosenTensor, chooseTensor, sectionNotes, type Tensors } from './matrix/choose-tensor.js';
import { isHead, judgeChoice } from './matrix/judge-choice.js';
import type { AskedMatrix } from './matrix/matrix-side.js';
import { refusePart, refuseSplit } from './matrix/model-parallel.js';
import { lookAtOthers } from './matrix/other-tensors.js';
import { noMatrix, searchRefusal } from './matrix/search-refusal.js';
import type { Model } from './model-config.js';
import type { NormWish } from './norm/find-norm.js';
import { findOutputSide } from './output-side.js';
import { readSafetensorsWeights } from './weights/safetensors-weights.js';
import { readTorchWeights } from './weights/torch-weights.js';
import type { WeightEntry, Weights } from './weights/weights.js';

/**
 * Opens one file of weights as a checkpoint: .safetensors, a state_dict of torch.save, or .npy; its content decides. Where
 * it is one of the files of a Hugging Face directory, what the directory says of it counts.
 *
 * @param path absolute
 * @param asked what the user has said of the matrix
 * @param wish what is wanted of the final norm
 * @throws InputError where it holds no matrix that can be taken, or a part of one
 */
export async function openBareFile(
  path: string,
  asked: AskedMatrix,
  wish?: NormWish,
): Promise<ExplainedCheckpoint> {
  const expected = 'a Hugging Face directory, a .safetensors file, a state_dict of torch.save or a .npy file';
  const format = await detectFormat(path, 'the checkpoint', expected);
  switch (format) {
    case 'safetensors':
      return openWeights(path, await readSafetensorsWeights(path), { asked, wish });
    case 'torch':
    // The same reader, for its message about the formats before the zip archive.
    case 'pickle':
      return openWeights(path, await readTorchWeights(path, asked.tensor), { asked, wish });
    case 'npy':
      return openArray(path, { asked, wish });
  }
}

/** Reads what a file of weights holds, whatever its name is. */
async function readAny(file: string): Promise<Weights> {
  const format = await detectFormat(file, 'the checkpoint', 'a file of weights');
  return format === 'safetensors' ? readSafetensorsWeights(file) : readTorchWeights(file);
}

/** What the user asks of a file: a matrix, and the final norm. */
interface Asked {
  asked: AskedMatrix;
  wish: NormWish | undefined;
}

async function openWeights(
  path: string,
  weights: Weights,
  { asked, wish }: Asked,
): Promise<ExplainedCheckpoint> {
  refusePart(path);
  const around = await directoryAround(path);
  const chosen = await chooseOf(path, weights, around, asked);
  if (asked.tensor === undefined) await refuseSplit(weights, chosen.choice.name, readAny);
  const source = rowSource(weights, chosen.entry);
  const own = new Set(weights.entries.map(({ name }) => name));
  const { listed, embedding } = await lookAtOthers(own, chosen.choice.name, async () => weights);
  const notes = [...chosen.notes, ...judgeChoice(chosen.choice, source, embedding, around?.config ?? null)];
  const model = { ...(around?.config.model ?? unknownModel), name: nameOf(path), revision: null };
  const { reason } = chosen.choice;
  const normalisation = isHead(chosen.choice, model) ? (around?.config.normalisation ?? null) : null;
  const places = { path, names: [...own], config: around?.config ?? null, weightsOf: async () => weights };
  const beside = { choice: chosen.choice, model, wish };
  const { bias, notes: ofBias, norm } = await findOutputSide(places, source, beside);
  return {
    path,
    source,
    storedRows: source.rows,
    model,
    normalisation,
    finalNorm: null,
    logitBias: bias,
    origin: null,
    notes: [...notes, ...ofBias],
    reason,
    others: listed,
    norm,
  };
}

async function chooseOf(
  path: string,
  weights: Weights,
  around: DirectoryAround | null,
  asked: AskedMatrix,
): Promise<ChosenTensor> {
  const { entries } = weights;
  const own = entries.map(({ name }) => name);
  const tensors: Tensors = {
    path,
    // What other shards hold counts too: their head is not to be replaced by this one's embedding.
    names: asked.tensor === undefined ? [...(around?.index?.keys() ?? []), ...own] : own,
    tied: around?.config.model.tied ?? null,
    vocabSize: around?.config.model.vocabSize ?? null,
    config: around?.config.file ?? 'its configuration',
    weightsOf: async (name) => {
      const shard = around?.index?.get(name);
      if (shard === undefined || shard === basename(path) || own.includes(name)) return weights;
      throw new InputError(
        `${path}: the ${asked.side === 'input' ? 'input embedding' : 'unembedding matrix'} is ${name}, in ${shard} beside this file; give the directory, or that shard, as ` +
          'the model',
      );
    },
  };
  const chosen = await chooseTensor(tensors, asked);
  if (chosen.is === 'chosen') return chosen;
  if (chosen.is !== 'unknown') throw searchRefusal(tensors, chosen);
  const only = asked.tensor === undefined && asked.side !== 'input' ? onlyMatrix(entries) : null;
  if (only === null) throw noMatrix(path, asked, entries);
  const choice = { name: only.name, kind: null, reason: 'the only matrix of the file', notes: [] };
  return { is: 'chosen', choice, weights, entry: only, notes: sectionNotes(weights) };
}

function onlyMatrix(entries: readonly WeightEntry[]): WeightEntry | null {
  const [only, ...more] = entries.filter(({ shape }) => shape.length === 2);
  return only !== undefined && more.length === 0 ? only : null;
}

async function openArray(path: string, { asked, wish }: Asked): Promise<ExplainedCheckpoint> {
  if (asked.tensor !== undefined) {
    throw new InputError(
      `${path}: a .npy file holds one array without a name; leave out the tensor ${asked.tensor}`,
    );
  }
  if (asked.side === 'input') {
    throw new InputError(
      `${path}: a .npy file holds one array, and does not say on which side of a model it is; leave out --side input`,
    );
  }
  const { dtype, shape, fortranOrder, byteOffset } = await readNpyHeader(path);
  if (fortranOrder) {
    throw new InputError(
      `${path}: the array is in Fortran order, expected C order (row after row); ` +
        'save it again as numpy.save(path, numpy.ascontiguousarray(a))',
    );
  }
  const source = { ...checkMatrix(path, { dtype, storedDtype: dtype, shape, tensor: null }), byteOffset };
  const choice = { name: '', kind: null, reason: 'the only array of the file', notes: [] };
  const notes = judgeChoice(choice, source, null, null);
  const model = { ...unknownModel, name: nameOf(path) };
  const { reason } = choice;
  return {
    path,
    source,
    storedRows: source.rows,
    model,
    normalisation: null,
    finalNorm: null,
    logitBias: null,
    origin: null,
    notes,
    reason,
    others: [],
    norm:
      wish === undefined
        ? null
        : {
            norm: null,
            problem: `${path}: a .npy file holds no final norm; give the checkpoint that it is from`,
          },
  };
}

const unknownModel: Omit<Model, 'name'> = {
  revision: null,
  modelType: null,
  tied: null,
  hiddenSize: null,
  vocabSize: null,
};

function nameOf(path: string): string {
  return basename(path, extname(path));
}
