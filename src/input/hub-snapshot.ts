import { existsSync } from 'node:fs';
import path from 'node:path';
import { dtypeBytes } from '../formats/dtype.js';
import { readRef } from '../hub/refs.js';
import type { RowSelection } from '../plan/row-selection.js';
import { type CheckpointDirectory, localDirectory } from './checkpoint-directory.js';
import { type FoundMatrix, findMatrix } from './matrix/find-matrix.js';
import type { AskedMatrix } from './matrix/matrix-side.js';
import { configNames } from './model-config.js';
import type { NormWish } from './norm/find-norm.js';
import { openTokenizer } from './tokenizer/open-tokenizer.js';
import { safetensorsLayouts } from './weights/shards.js';

/** Looks up the commit that a revision is in the hub's own cache; null where it does not know. */
export function hubCacheCommit(hubCache: string, repository: string, revision: string): string | null {
  return readRef(path.join(modelIn(hubCache, repository), 'refs', ...revision.split('/')));
}

/** What is wanted of a snapshot. */
export interface SnapshotOptions {
  /** What the user has said of the matrix. */
  asked: AskedMatrix;
  rows: RowSelection;
  /** What is wanted of the final norm. */
  wish: NormWish | undefined;
}

/**
 * Opens a commit as the hub's official clients have downloaded it, used as it is, with all rows of the matrix.
 *
 * @returns null where something is missing that the matrix needs, or the selection of its rows
 */
export async function openHubSnapshot(
  hubCache: string,
  repository: string,
  commit: string,
  { asked, rows: selection, wish }: SnapshotOptions,
): Promise<FoundMatrix | null> {
  const snapshot = path.join(modelIn(hubCache, repository), 'snapshots', commit);
  const has = (name: string) => existsSync(path.join(snapshot, name));
  const hasWeights = safetensorsLayouts.some(({ single, index }) => has(single) || has(index));
  if (!configNames.some(has) || !hasWeights) return null;
  if (selection === 'tokenizer' && (await openTokenizer(snapshot)) === null) return null;
  const found = await findIfHere(snapshot, asked, wish);
  if (found === null) return null;
  const { checkpoint, file } = found;
  const { byteOffset, rows, columns, dtype } = checkpoint.source;
  const byteRange = { begin: byteOffset, end: byteOffset + rows * columns * dtypeBytes[dtype] };
  const origin = { repository, commit, file, byteRange, from: snapshot };
  return { ...found, checkpoint: { ...checkpoint, origin } };
}

/** A file that the clients have not downloaded. */
class NotHere extends Error {}

/** Null where a file is not here that the matrix needs: of the shards one is enough, if it is the right one. */
async function findIfHere(
  snapshot: string,
  asked: AskedMatrix,
  wish: NormWish | undefined,
): Promise<FoundMatrix | null> {
  const local = localDirectory(snapshot);
  const directory: CheckpointDirectory = {
    ...local,
    missing: async () => [],
    weights: async (name) => {
      if ((await local.missing([name])).length > 0) throw new NotHere();
      return local.weights(name);
    },
  };
  try {
    return await findMatrix(directory, asked, wish);
  } catch (error) {
    if (error instanceof NotHere) return null;
    throw error;
  }
}

function modelIn(hubCache: string, repository: string): string {
  return path.join(hubCache, `models--${repository.replace('/', '--')}`);
}
