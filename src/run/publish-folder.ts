import path from 'node:path';
import { VerificationError } from '../errors.js';
import { withCleanUp } from '../files/clean-up.js';
import type { FileRecord } from '../files/file-record.js';
import { refuseLost } from '../files/lock.js';
import type { LockClaim } from '../files/lock-file.js';
import { syncFiles } from '../files/sync-files.js';
import { type RecordedKind, recordedProblems, writeFolderRecord } from '../output/recorded-folder.js';
import { commitStage, discardStage, openStage } from '../output/staged-folder.js';

/** Where something that is made of runs is to lie. */
export interface WantedFolder {
  /** The folder, absolute and locked. */
  folder: string;
  lock: LockClaim;
  /** Whether one of the kind that is there is replaced. */
  isReplaced: boolean;
}

/**
 * Makes a folder of its own, which appears whole or not at all; what was written is read once more before it does.
 *
 * @param make makes the files in the folder that it is given, and says what is to be recorded
 * @throws InputError where something stands in its place, unless it is of the kind and is to be replaced
 */
export async function publishFolder<Made extends { files: FileRecord[] }>(
  kind: RecordedKind<Made>,
  { folder, lock, isReplaced }: WantedFolder,
  make: (stage: string) => Promise<Made>,
): Promise<Made> {
  const stage = openStage(folder, kind, { option: '--out', isReplaced });
  return withCleanUp(
    async () => {
      const made = await make(stage);
      await syncFiles(made.files.map((file) => path.join(stage, file.path)));
      // Also what its types allow, as a number that is none, is refused.
      writeFolderRecord(kind, stage, kind.schema.parse(made));
      const problems = await recordedProblems(kind, stage);
      if (problems.length > 0)
        throw new VerificationError(
          `${problems.join('\n')}\nThe disk has not kept what was written: try another one`,
        );
      refuseLost(lock);
      commitStage(folder, kind);
      return made;
    },
    () => {
      // What a process makes that has taken the lock over is its own.
      refuseLost(lock);
      discardStage(folder, kind);
    },
  );
}
