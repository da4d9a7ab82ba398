import { join } from 'node:path';
import { InputError } from '../errors.js';
import type { CheckpointDirectory } from './checkpoint-directory.js';
import { asRecord } from './json.js';
import { readJsonObject } from './json-file.js';
import type { SafetensorsEntry, SafetensorsHeader } from './safetensors.js';

/** Which file of a Hugging Face directory holds each tensor. Tensor name to the file's name in the directory. */
export type TensorFiles = ReadonlyMap<string, string>;

/** The weights in one file. */
export const SINGLE_NAME = 'model.safetensors';
/** Which shard holds which tensor. */
export const INDEX_NAME = 'model.safetensors.index.json';

/**
 * Lists the tensors of a directory with model.safetensors, or with shards and model.safetensors.index.json. The
 * single file comes first where both are there, as in transformers.
 *
 * @throws InputError where neither is there, a shard is missing, or a shard's path leaves the directory
 */
export async function listTensors(directory: CheckpointDirectory): Promise<TensorFiles> {
  if (await directory.has(SINGLE_NAME)) {
    const { tensors } = await directory.header(SINGLE_NAME);
    return new Map(tensors.map(({ name }) => [name, SINGLE_NAME]));
  }
  if (await directory.has(INDEX_NAME)) return listShards(directory);
  throw new InputError(
    `${directory.path}: expected ${SINGLE_NAME} or ${INDEX_NAME}, found neither; give a checkpoint in the safetensors format ` +
      '(a pytorch_model.bin can be converted: load it with transformers and call save_pretrained)',
  );
}

/**
 * Finds a tensor in the header of the shard that should hold it.
 *
 * @throws InputError where the shard does not
 */
export function findTensor({ file, tensors }: SafetensorsHeader, name: string): SafetensorsEntry {
  const entry = tensors.find((tensor) => tensor.name === name);
  if (entry !== undefined) return entry;
  throw new InputError(
    `${file}: ${INDEX_NAME} says that tensor ${name} is in this file, but it is not; ` +
      'index and shards are of different checkpoints: download them again',
  );
}

async function listShards(directory: CheckpointDirectory): Promise<TensorFiles> {
  const index = join(directory.path, INDEX_NAME);
  const map = asRecord((await readJsonObject(index, "the checkpoint's index")).weight_map);
  if (map === null) throw new InputError(`${index}: expected an object weight_map; download it again`);
  const shards = Object.entries(map).map(
    ([name, shard]) => [name, checkShardName(index, name, shard)] as const,
  );
  const names = [...new Set(shards.map(([, shard]) => shard))];
  const missing = await directory.missing(names);
  if (missing.length > 0) {
    throw new InputError(
      `${directory.path}: ${missing.length} of ${names.length} shards named in ${INDEX_NAME} are missing: ${missing.join(', ')}; ` +
        'complete the download, or give the one shard that holds the tensor as the model',
    );
  }
  return new Map(shards);
}

/**
 * The index is data of whoever made the checkpoint, so a shard's name must lead to a file below the directory, read
 * as text alone: no absolute path, no drive, no '..', no other system's separator.
 */
function checkShardName(index: string, tensor: string, shard: unknown): string {
  if (
    typeof shard === 'string' &&
    !/[\\\0]|^[a-z]:/i.test(shard) &&
    shard.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  ) {
    return shard;
  }
  throw new InputError(
    `${index}: tensor ${tensor} is in ${JSON.stringify(shard)}, expected the name of a file in the same directory; ` +
      'do not use this checkpoint unless you trust where it comes from',
  );
}
