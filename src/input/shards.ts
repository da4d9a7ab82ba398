import { join } from 'node:path';
import { InputError } from '../errors.js';
import { asRecord } from '../files/json.js';
import { readJsonObject } from '../files/json-file.js';
import type { CheckpointDirectory } from './checkpoint-directory.js';
import type { WeightEntry, Weights } from './weights.js';

/** Which file of a Hugging Face directory holds each tensor. Tensor name to the file's name in the directory. */
export type TensorFiles = ReadonlyMap<string, string>;

/** The weights in one safetensors file. */
export const SINGLE_NAME = 'model.safetensors';
/** Which safetensors shard holds which tensor. */
export const INDEX_NAME = 'model.safetensors.index.json';

/** Where the weights may be, one file or an index of shards. safetensors first where several are there, as in transformers. */
const layouts: readonly { single: string; index: string }[] = [
  { single: SINGLE_NAME, index: INDEX_NAME },
  { single: 'pytorch_model.bin', index: 'pytorch_model.bin.index.json' },
];

/**
 * Lists the tensors of a directory with one file of weights, or with shards and their index, in the safetensors
 * format or as torch.save wrote them.
 *
 * @throws InputError where neither is there, a shard is missing, or a shard's path leaves the directory
 */
export async function listTensors(directory: CheckpointDirectory): Promise<TensorFiles> {
  for (const { single, index } of layouts) {
    if (await directory.has(single)) {
      const { entries } = await directory.weights(single);
      return new Map(entries.map(({ name }) => [name, single]));
    }
    if (await directory.has(index)) return listShards(directory, index);
  }
  const expected = layouts.flatMap(({ single, index }) => [single, index]);
  throw new InputError(
    `${directory.path}: expected one of ${expected.join(', ')}, found none; complete the download, or convert the ` +
      'checkpoint: load it with transformers and call save_pretrained',
  );
}

/**
 * Finds a tensor in the file that should hold it.
 *
 * @throws InputError where the file does not
 */
export function findTensor({ file, entries }: Weights, name: string): WeightEntry {
  const entry = entries.find((tensor) => tensor.name === name);
  if (entry !== undefined) return entry;
  throw new InputError(
    `${file}: the checkpoint's index says that tensor ${name} is in this file, but it is not; ` +
      'index and shards are of different checkpoints: download them again',
  );
}

async function listShards(directory: CheckpointDirectory, indexName: string): Promise<TensorFiles> {
  const index = join(directory.path, indexName);
  const map = asRecord((await readJsonObject(index, "the checkpoint's index")).weight_map);
  if (map === null) throw new InputError(`${index}: expected an object weight_map; download it again`);
  const shards = Object.entries(map).map(
    ([name, shard]) => [name, checkShardName(index, name, shard)] as const,
  );
  const names = [...new Set(shards.map(([, shard]) => shard))];
  const missing = await directory.missing(names);
  if (missing.length > 0) {
    throw new InputError(
      `${directory.path}: ${missing.length} of ${names.length} shards named in ${indexName} are missing: ` +
        `${missing.join(', ')}; complete the download, or give the one shard that holds the tensor as the model`,
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
