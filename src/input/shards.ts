import { realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { InputError } from '../errors.js';
import { asInputError } from './file-error.js';
import { asRecord } from './json.js';
import { readJsonObject } from './json-file.js';
import { readSafetensorsHeader, type SafetensorsEntry } from './safetensors.js';

/** Which file of a Hugging Face directory holds each tensor. Tensor name to absolute path. */
export type TensorFiles = ReadonlyMap<string, string>;

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/**
 * Lists the tensors of a directory with model.safetensors, or with shards and model.safetensors.index.json. The
 * single file comes first where both are there, as in transformers.
 *
 * @throws InputError where neither is there, a shard is missing, or a shard's path leaves the directory
 */
export async function listTensors(directory: string): Promise<TensorFiles> {
  const single = join(directory, SINGLE);
  if (await exists(single)) {
    const { tensors } = await readSafetensorsHeader(single);
    return new Map(tensors.map(({ name }) => [name, single]));
  }
  const index = join(directory, INDEX);
  if (await exists(index)) return listShards(directory, index);
  throw new InputError(
    `${directory}: expected ${SINGLE} or ${INDEX}, found neither; give a checkpoint in the safetensors format ` +
      '(a pytorch_model.bin can be converted: load it with transformers and call save_pretrained)',
  );
}

/**
 * Finds a tensor in the header of the shard that should hold it.
 *
 * @throws InputError where the shard does not
 */
export async function findTensor(file: string, name: string): Promise<SafetensorsEntry> {
  const { tensors } = await readSafetensorsHeader(file);
  const entry = tensors.find((tensor) => tensor.name === name);
  if (entry !== undefined) return entry;
  throw new InputError(
    `${file}: ${INDEX} says that tensor ${name} is in this file, but it is not; ` +
      'index and shards are of different checkpoints: download them again',
  );
}

async function listShards(directory: string, index: string): Promise<TensorFiles> {
  const map = asRecord((await readJsonObject(index, "the checkpoint's index")).weight_map);
  if (map === null) throw new InputError(`${index}: expected an object weight_map; download it again`);
  const shards = Object.entries(map).map(
    ([name, shard]) => [name, checkShardName(index, name, shard)] as const,
  );
  const names = [...new Set(shards.map(([, shard]) => shard))];
  const missing: string[] = [];
  for (const shard of names) {
    const path = join(directory, shard);
    if (await exists(path)) await checkInside(index, directory, path);
    else missing.push(shard);
  }
  if (missing.length > 0) {
    throw new InputError(
      `${directory}: ${missing.length} of ${names.length} shards named in ${INDEX} are missing: ${missing.join(', ')}; ` +
        'complete the download, or give the one shard that holds the tensor as the model',
    );
  }
  return new Map(shards.map(([name, shard]) => [name, join(directory, shard)]));
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

/**
 * A directory on the way to the shard must not be a link that leads out. The shard itself may be one: the hub's
 * cache links each snapshot's files to ../../blobs. Links are made by who fills the disk, not by the index, and at
 * their end only a regular file with a valid safetensors header is read.
 */
async function checkInside(index: string, directory: string, path: string): Promise<void> {
  const root = await realpath(directory);
  const parent = await realpath(dirname(path));
  if (parent === root || parent.startsWith(root + sep)) return;
  throw new InputError(
    `${index}: the shard ${path} lies in ${parent}, outside of the checkpoint's directory; copy the shards next to it`,
  );
}

/** False also for a link whose target is missing: an incomplete download of the hub's cache. */
async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw asInputError(error, path, 'the checkpoint');
  }
}
