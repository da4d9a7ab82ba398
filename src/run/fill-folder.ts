import path from 'node:path';
import { withCleanUp } from '../files/clean-up.js';
import { refuseLost } from '../files/lock.js';
import { syncFiles } from '../files/sync-files.js';
import {
  commitFolder,
  discardFolder,
  type FolderKind,
  type FolderRecord,
  type FolderWish,
  openFolderStage,
  writeFolderRecord,
} from '../output/recorded-folder.js';
import type { LockedRun } from './plan-extension.js';

/** What was made in a folder of its own. */
export interface FilledFolder<Made> {
  /** The folder, absolute. */
  directory: string;
  /** Its record. */
  record: Made;
}

/**
 * Makes a folder of a locked run, which appears whole or not at all.
 *
 * @param make makes the files in the folder that it is given, and says what is to be recorded
 * @throws InputError where something stands in its place, unless it is of the kind and is to be replaced
 */
export async function fillFolder<Made extends FolderRecord>(
  kind: FolderKind<Made>,
  { directory, lock }: Pick<LockedRun, 'directory' | 'lock'>,
  wish: FolderWish,
  make: (stage: string) => Promise<Made>,
): Promise<FilledFolder<Made>> {
  const stage = openFolderStage(kind, directory, wish);
  return withCleanUp(
    async () => {
      // As it is read again: without what the schema has no word for.
      const record = kind.schema.parse(await make(stage));
      await syncFiles(record.files.map((file) => path.join(stage, file.path)));
      writeFolderRecord(kind, stage, record);
      refuseLost(lock);
      return { directory: commitFolder(kind, directory, wish.name), record };
    },
    () => {
      // What a process makes that has taken the directory over is its own.
      refuseLost(lock);
      discardFolder(kind, directory, wish);
    },
  );
}
