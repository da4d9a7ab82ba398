import { realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { InputError } from '../errors.js';
import { exists } from '../files/exists.js';
import { readWeights } from './weights/read-weights.js';
import type { Weights } from './weights/weights.js';

/** A Hugging Face directory, wherever its weights lie. Names are relative to it, with '/'. */
export interface CheckpointDirectory {
  /** Absolute path of the directory where the configuration is, and the index of the shards where there is one. */
  path: string;
  /** True where the bytes of the weights can be read where `weights` says they are; else headers alone are here. */
  isLocal: boolean;
  has(name: string): Promise<boolean>;
  /** Names those of the shards that are not there, though they are needed. */
  missing(shards: readonly string[]): Promise<string[]>;
  /** Says what a file of weights holds, by its header; its `file` says where that is. */
  weights: (name: string) => Promise<Weights>;
}

/** Opens a directory of this machine. */
export function localDirectory(path: string): CheckpointDirectory {
  return {
    path,
    isLocal: true,
    has: (name) => exists(join(path, name), 'the checkpoint'),
    missing: async (shards) => {
      const missing: string[] = [];
      for (const shard of shards) {
        if (await exists(join(path, shard), 'the checkpoint')) await checkInside(path, join(path, shard));
        else missing.push(shard);
      }
      return missing;
    },
    weights: (name) => readWeights(join(path, name)),
  };
}

/**
 * A directory on the way to the shard must not be a link that leads out. The shard itself may be one: the hub's
 * cache links each snapshot's files to ../../blobs. Links are made by who fills the disk, not by the index, and at
 * their end only a regular file with a valid header is read.
 */
async function checkInside(directory: string, shard: string): Promise<void> {
  const root = await realpath(directory);
  const parent = await realpath(dirname(shard));
  if (parent === root || parent.startsWith(root + sep)) return;
  throw new InputError(
    `${directory}: the shard ${shard} lies in ${parent}, outside of the checkpoint's directory; copy the shards next to it`,
  );
}
