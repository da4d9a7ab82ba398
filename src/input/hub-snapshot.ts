import { existsSync } from 'node:fs';
import path from 'node:path';
import { dtypeBytes } from '../formats/dtype.js';
import { readRef } from '../hub/refs.js';
import { type Checkpoint, findFile, findMatrix } from './checkpoint.js';
import { type CheckpointDirectory, localDirectory } from './checkpoint-directory.js';
import { INDEX_NAME, SINGLE_NAME } from './shards.js';
import { openTokenizer } from './tokenizer.js';
import type { RowSelection } from './vocabulary-rows.js';

/** The commit that a revision is in the hub's own cache; null where it does not know. */
export function hubCacheCommit(hubCache: string, repository: string, revision: string): string | null {
  return readRef(path.join(modelIn(hubCache, repository), 'refs', ...revision.split('/')));
}

/**
 * A commit as the hub's official clients have downloaded it, used as it is, with all rows of the matrix.
 * @returns null where something is missing that the matrix needs, or the selection of its rows
 */
export async function openHubSnapshot(
  hubCache: string,
  repository: string,
  commit: string,
  { tensor, rows: selection }: { tensor: string | undefined; rows: RowSelection },
): Promise<Checkpoint | null> {
  const snapshot = path.join(modelIn(hubCache, repository), 'snapshots', commit);
  const has = (name: string) => existsSync(path.join(snapshot, name));
  if (!has('config.json') || !(has(SINGLE_NAME) || has(INDEX_NAME))) return null;
  const local = localDirectory(snapshot);
  // One shard is enough, if it is the right one.
  const directory: CheckpointDirectory = { ...local, missing: async () => [] };
  const { file } = await findFile(directory, tensor);
  if (file === undefined || (await local.missing([file])).length > 0) return null;
  if (selection === 'tokenizer' && (await openTokenizer(snapshot)) === null) return null;
  const { checkpoint } = await findMatrix(directory, tensor);
  const { byteOffset, rows, columns, dtype } = checkpoint.source;
  const byteRange = { begin: byteOffset, end: byteOffset + rows * columns * dtypeBytes[dtype] };
  return { ...checkpoint, origin: { repository, commit, file, byteRange, from: snapshot } };
}

function modelIn(hubCache: string, repository: string): string {
  return path.join(hubCache, `models--${repository.replace('/', '--')}`);
}
