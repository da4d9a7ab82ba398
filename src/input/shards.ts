import { realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { InputError } from '../errors.js';
import { exists } from './file-exists.js';
import { asRecord } from './json.js';
import { readJsonObject } from './json-file.js';
import { readWeights, type WeightEntry, type Weights } from './weights.js';

/** Which file of a Hugging Face directory holds each tensor. Tensor name to absolute path. */
export type TensorFiles = ReadonlyMap<string, string>;

/** Where the weights may be, one file or an index of shards. safetensors first where several are there, as in transformers. */
const layouts: readonly { single: string; index: string }[] = [
  { single: 'model.safetensors', index: 'model.safetensors.index.json' },
  { single: 'pytorch_model.bin', index: 'pytorch_model.bin.index.json' },
];

/**
 * Lists the tensors of a directory with one file of weights, or with shards and their index, in the safetensors
 * format or as torch.save wrote them.
 *
 * @throws InputError where neither is there, a shard is missing, or a shard's path leaves the directory
 */
export async function listTensors(directory: string): Promise<TensorFiles> {
  for (const { single, index } of layouts) {
    const file = join(directory, single);
    if (await exists(file, 'the checkpoint')) {
      const { entries } = await readWeights(file);
      return new Map(entries.map(({ name }) => [name, file]));
    }
    if (await exists(join(directory, index), 'the checkpoint')) {
      return listShards(directory, join(directory, index));
    }
  }
  const expected = layouts.flatMap(({ single, index }) => [single, index]);
  throw new InputError(
    `${directory}: expected one of ${expected.join(', ')}, found none; complete the download, or convert the ` +
      'checkpoint: load it with transformers and call save_pretrained',
  );
}

/**
 * Finds a tensor in the file that should hold it.
 *
 * @throws InputError where the file does not
 */
export async function findTensor(
  file: string,
  name: string,
): Promise<{ weights: Weights; entry: WeightEntry }> {
  const weights = await readWeights(file);
  const entry = weights.entries.find((tensor) => tensor.name === name);
  if (entry !== undefined) return { weights, entry };
  throw new InputError(
    `${file}: the checkpoint's index says that tensor ${name} is in this file, but it is not; ` +
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
    if (await exists(path, 'the checkpoint')) await checkInside(index, directory, path);
    else missing.push(shard);
  }
  if (missing.length > 0) {
    throw new InputError(
      `${directory}: ${missing.length} of ${names.length} shards named in ${basename(index)} are missing: ` +
        `${missing.join(', ')}; complete the download, or give the one shard that holds the tensor as the model`,
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
 * their end only a regular file with a valid header is read.
 */
async function checkInside(index: string, directory: string, path: string): Promise<void> {
  const root = await realpath(directory);
  const parent = await realpath(dirname(path));
  if (parent === root || parent.startsWith(root + sep)) return;
  throw new InputError(
    `${index}: the shard ${path} lies in ${parent}, outside of the checkpoint's directory; copy the shards next to it`,
  );
}
