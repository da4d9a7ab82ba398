import { InputError } from '../../errors.js';
import type { Checkpoint, ExplainedCheckpoint } from '../checkpoint.js';
import type { CheckpointDirectory } from '../checkpoint-directory.js';
import { readModelConfig } from '../model-config.js';
import type { NormWish } from '../norm/find-norm.js';
import { findOutputSide } from '../output-side.js';
import { listTensors, readShardIndex, type TensorListing } from '../weights/shards.js';
import type { Weights } from '../weights/weights.js';
import { rowSource } from './check-matrix.js';
import { chooseTensor, type Tensors } from './choose-tensor.js';
import { isHead, judgeChoice } from './judge-choice.js';
import type { AskedMatrix } from './matrix-side.js';
import { refusePart } from './model-parallel.js';
import { lookAtOthers } from './other-tensors.js';
import { noMatrix, searchRefusal } from './search-refusal.js';
import { knownNames, type Search } from './unembedding.js';

/** The matrix of a directory, the name of its file there, and how it was found. */
export interface FoundMatrix extends Pick<ExplainedCheckpoint, 'reason' | 'others' | 'norm'> {
  checkpoint: Checkpoint;
  file: string;
  /** Name of the file in which another tensor is. */
  fileOf(tensor: string): string;
}

/**
 * Finds the unembedding matrix of a directory, wherever its weights lie. Of the weights nothing is read but headers, and
 * rows where a head and an embedding are to be compared.
 *
 * @param asked what the user has said of it
 * @param wish what is wanted of the final norm
 * @throws InputError where there is no such matrix, or not one of supported dtype and shape
 */
export async function findMatrix(
  directory: CheckpointDirectory,
  asked: AskedMatrix,
  wish?: NormWish,
): Promise<FoundMatrix> {
  const { path, isLocal } = directory;
  const config = await readModelConfig(path);
  const { model } = config;
  const listing = await listTensors(directory);
  const weightsIn = remembering(directory.weights);
  const fileOf = (name: string) => listing.files.get(name)!;
  const tensors: Tensors = {
    path,
    names: listing.files.keys(),
    tied: model.tied,
    vocabSize: model.vocabSize,
    config: config.file,
    weightsOf: (name) => weightsIn(fileOf(name)),
  };
  const chosen = await chooseTensor(tensors, asked);
  if (chosen.is !== 'chosen') throw await refusalOf(directory, listing, tensors, { search: chosen, asked });
  const { choice, weights, entry, notes } = chosen;
  if (choice.kind === 'embedding' && choice.isInput !== true && asked.tensor === undefined) {
    refuseUnlisted(listing, weights);
    if (model.tied === null) await refuseForHeadInShards(directory, listing, choice.name);
  }
  if (isLocal) refusePart(weights.file);
  if (entry.dtype === null) await refuseForShards(directory, listing, entry.name, entry.storedDtype);
  const source = rowSource(weights, entry);
  const { listed, embedding } = await lookAtOthers(listing.files.keys(), choice.name, async (name) => {
    const isHere = isLocal && (await directory.has(fileOf(name)));
    return isHere ? weightsIn(fileOf(name)) : null;
  });
  notes.push(...listing.notes, ...judgeChoice(choice, source, embedding, config));
  const normalisation = isHead(choice, model) ? config.normalisation : null;
  const places = { ...tensors, names: [...listing.files.keys()], config };
  const { bias, notes: ofBias, norm } = await findOutputSide(places, source, { choice, model, wish });
  return {
    checkpoint: {
      path,
      source,
      storedRows: source.rows,
      model,
      normalisation,
      finalNorm: null,
      logitBias: bias,
      origin: null,
      notes: [...notes, ...ofBias],
    },
    file: fileOf(choice.name),
    fileOf,
    reason: choice.reason,
    others: listed,
    norm,
  };
}

/** A directory's files are looked at more than once, and their headers may be long. */
function remembering(read: (file: string) => Promise<Weights>): (file: string) => Promise<Weights> {
  const known = new Map<string, Promise<Weights>>();
  return (file) => {
    const weights = known.get(file) ?? read(file);
    known.set(file, weights);
    return weights;
  };
}

async function refusalOf(
  directory: CheckpointDirectory,
  listing: TensorListing,
  tensors: Tensors,
  { search, asked }: { search: Exclude<Search, { is: 'found' }>; asked: AskedMatrix },
): Promise<InputError> {
  if (search.is === 'in parts') {
    await refuseForShards(directory, listing, `${search.stem}.weight`, search.parts.join(', '));
  }
  if (search.is !== 'unknown') return searchRefusal(tensors, search);
  // Not before something is wrong: the other shards' headers are not needed otherwise.
  const files = [...new Set(listing.files.values())];
  const weights = await Promise.all(files.map(directory.weights));
  return noMatrix(
    directory.path,
    asked,
    weights.flatMap(({ entries }) => entries),
  );
}

/**
 * Refuses a quantised matrix of the one file that is read where shards beside it hold the matrix as well, most likely as
 * it was before.
 */
async function refuseForShards(
  directory: CheckpointDirectory,
  { unreadIndex }: TensorListing,
  name: string,
  stored: string,
): Promise<void> {
  if (unreadIndex === null || !directory.isLocal) return;
  const shard = (await readShardIndex(directory.path, unreadIndex)).get(name);
  if (shard === undefined) return;
  throw new InputError(
    `${directory.path}: the one file of weights holds ${name} quantised (${stored}), but by ${unreadIndex} the shard ` +
      `${shard} beside it holds it too; give that shard as the model, or move the one file away`,
  );
}

/** Refuses an embedding whose file holds an unembedding too that the index does not list. */
function refuseUnlisted({ files }: TensorListing, { file, entries }: Weights): void {
  const unlisted = entries.map(({ name }) => name).filter((name) => !files.has(name));
  const head = knownNames(unlisted).find(({ kind }) => kind === 'unembedding');
  if (head === undefined) return;
  throw new InputError(
    `${file}: holds the unembedding ${head.name}, which the checkpoint's index does not list; index and shards are of ` +
      'different checkpoints: copy them from one source, or give this file as the model',
  );
}

/** Refuses the embedding of the one file that is read, where shards beside it hold an unembedding that it lacks. */
async function refuseForHeadInShards(
  directory: CheckpointDirectory,
  { unreadIndex }: TensorListing,
  embedding: string,
): Promise<void> {
  if (unreadIndex === null || !directory.isLocal) return;
  const shards = await readShardIndex(directory.path, unreadIndex);
  const head = knownNames(shards.keys()).find(({ kind }) => kind === 'unembedding');
  if (head === undefined) return;
  throw new InputError(
    `${directory.path}: the one file of weights holds ${embedding} and no unembedding, but by ${unreadIndex} the shard ` +
      `${shards.get(head.name)} beside it holds ${head.name}; give that shard as the model, move one of the two away, or ` +
      `name the tensor, as with --tensor ${embedding}`,
  );
}
