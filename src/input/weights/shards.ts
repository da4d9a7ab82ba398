import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { asRecord } from '../../files/json.js';
import { readJsonObject } from '../../files/json-file.js';
import { shownValue } from '../../text/shown-value.js';
import { harmlessText } from '../../text/visible-text.js';
import type { CheckpointDirectory } from '../checkpoint-directory.js';

/** The files of a checkpoint's directory that hold its tensors, by the names of the tensors. */
export type TensorFiles = ReadonlyMap<string, string>;

/** The tensors of a directory, and what a user should know of the files that were not looked at. */
export interface TensorListing {
  files: TensorFiles;
  /** Name of an index of shards that lies beside the one file that is read; null where there is none. */
  unreadIndex: string | null;
  notes: string[];
}

/** A place of weights: one file, or shards and the index that says which of them holds what. */
export interface WeightLayout {
  single: string;
  /** null where there is none. */
  index: string | null;
}

/** Lists the layouts that are read from the hub too. */
export const safetensorsLayouts: readonly { single: string; index: string }[] = [
  { single: 'model.safetensors', index: 'model.safetensors.index.json' },
  { single: 'consolidated.safetensors', index: 'consolidated.safetensors.index.json' },
];

/** Lists the layouts in the order in which they are looked for: that of transformers, then Mistral's and Llama's own. */
export const weightLayouts: readonly WeightLayout[] = [
  safetensorsLayouts[0]!,
  { single: 'pytorch_model.bin', index: 'pytorch_model.bin.index.json' },
  safetensorsLayouts[1]!,
  { single: 'consolidated.00.pth', index: null },
];

/**
 * Lists the tensors of a directory with one file of weights, or with shards and their index, in the safetensors
 * format or as torch.save wrote them.
 *
 * @throws InputError where neither is there, a shard is missing, or a shard's path leaves the directory
 */
export async function listTensors(directory: CheckpointDirectory): Promise<TensorListing> {
  for (const { single, index } of weightLayouts) {
    const hasIndex = index !== null && (await directory.has(index));
    if (await directory.has(single)) {
      const { entries } = await directory.weights(single);
      const files = new Map(entries.map(({ name }) => [name, single]));
      const notes = hasIndex
        ? [`${single} is read, as transformers does; the shards of ${index} beside it are not`]
        : [];
      return { files, unreadIndex: hasIndex ? index : null, notes };
    }
    if (hasIndex) return { files: await listShards(directory, index), unreadIndex: null, notes: [] };
  }
  const expected = weightLayouts.flatMap(({ single, index }) =>
    index === null ? [single] : [single, index],
  );
  throw new InputError(
    `${directory.path}: expected one of ${expected.join(', ')}, found none; add the weights, give their file as the ` +
      'model, or convert the checkpoint: load it with transformers and call save_pretrained',
  );
}

/**
 * Reads an index of shards: which file each tensor is in.
 *
 * @throws InputError where it holds no map of names to files of its own directory
 */
export async function readShardIndex(directory: string, name: string): Promise<TensorFiles> {
  const index = join(directory, name);
  const map = asRecord((await readJsonObject(index, "the checkpoint's index")).weight_map);
  if (map === null) {
    throw new InputError(
      `${index}: expected an object weight_map; copy it from a good source, or give the shard that holds the matrix`,
    );
  }
  return new Map(
    Object.entries(map).map(([tensor, shard]) => [tensor, checkShardName(index, tensor, shard)]),
  );
}

async function listShards(directory: CheckpointDirectory, indexName: string): Promise<TensorFiles> {
  const files = await readShardIndex(directory.path, indexName);
  const names = [...new Set(files.values())];
  const missing = await directory.missing(names);
  if (missing.length > 0) {
    throw new InputError(
      `${directory.path}: ${missing.length} of ${names.length} shards named in ${indexName} are missing: ` +
        `${missing.join(', ')}; add them, or give the one shard that holds the tensor as the model`,
    );
  }
  return files;
}

/**
 * The index is data of whoever made the checkpoint, so a shard's name must lead to a file below the directory, read
 * as text alone: no absolute path, no drive, no '..', no other system's separator.
 */
function checkShardName(index: string, tensor: string, shard: unknown): string {
  if (
    typeof shard === 'string' &&
    !/[\\\p{C}]|^[a-z]:/iu.test(shard) &&
    shard.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  ) {
    return shard;
  }
  throw new InputError(
    `${index}: tensor ${harmlessText(tensor)} is in ${shownValue(shard)}, expected the name of a file in the same directory; ` +
      'do not use this checkpoint unless you trust where it comes from',
  );
}
