import { realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { InputError } from '../errors.js';
import { asInputError } from './file-error.js';
import { readSafetensorsHeader, type SafetensorsHeader } from './safetensors.js';

/** A Hugging Face directory, wherever its weights lie. Names are relative to it, with '/'. */
export interface CheckpointDirectory {
  /** Absolute path of the directory where config.json is, and the index of the shards where there is one. */
  path: string;
  has(name: string): Promise<boolean>;
  /** Those of the shards that an index names which are not there, though they are needed. */
  missing(shards: readonly string[]): Promise<string[]>;
  /** The header of a safetensors file, whose `file` says where that is. */
  header(name: string): Promise<SafetensorsHeader>;
}

/** A directory of this machine. */
export function localDirectory(path: string): CheckpointDirectory {
  return {
    path,
    has: (name) => exists(join(path, name)),
    missing: async (shards) => {
      const missing: string[] = [];
      for (const shard of shards) {
        if (await exists(join(path, shard))) await checkInside(path, join(path, shard));
        else missing.push(shard);
      }
      return missing;
    },
    header: (name) => readSafetensorsHeader(join(path, name)),
  };
}

/**
 * A directory on the way to the shard must not be a link that leads out. The shard itself may be one: the hub's
 * cache links each snapshot's files to ../../blobs. Links are made by who fills the disk, not by the index, and at
 * their end only a regular file with a valid safetensors header is read.
 */
async function checkInside(directory: string, shard: string): Promise<void> {
  const root = await realpath(directory);
  const parent = await realpath(dirname(shard));
  if (parent === root || parent.startsWith(root + sep)) return;
  throw new InputError(
    `${directory}: the shard ${shard} lies in ${parent}, outside of the checkpoint's directory; copy the shards next to it`,
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
