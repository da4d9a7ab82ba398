import { basename, dirname, join } from 'node:path';
import { InputError } from '../errors.js';
import { exists } from '../files/exists.js';
import { findConfig, type ModelConfig, readModelConfig } from './model-config.js';
import { readShardIndex, type TensorFiles, weightLayouts } from './weights/shards.js';

/** The directory that one of its files of weights is given of, as far as it speaks of that file. */
export interface DirectoryAround {
  config: ModelConfig;
  /** The shard that holds each tensor; null where the file is the only one. */
  index: TensorFiles | null;
}

/**
 * Finds out of which checkpoint's directory a file of weights is one.
 *
 * @param path absolute
 * @returns null where nothing beside the file names it
 * @throws InputError where the configuration beside it cannot be read
 */
export async function directoryAround(path: string): Promise<DirectoryAround | null> {
  const [directory, name] = [dirname(path), basename(path)];
  if ((await findConfig(directory)) === null) return null;
  for (const { single, index } of weightLayouts) {
    if (name === single) return { config: await readModelConfig(directory), index: null };
    const files = index === null ? null : await indexNaming(directory, index, name);
    if (files !== null) return { config: await readModelConfig(directory), index: files };
  }
  return null;
}

/** An index that cannot be read is no hindrance to who gives one of its shards. */
async function indexNaming(directory: string, index: string, name: string): Promise<TensorFiles | null> {
  if (!(await exists(join(directory, index), "the checkpoint's index"))) return null;
  try {
    const files = await readShardIndex(directory, index);
    return [...files.values()].includes(name) ? files : null;
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
