import path from 'node:path';
import { InputError } from '../errors.js';
import { withCleanUp } from '../files/clean-up.js';
import type { LockClaim } from '../files/lock-file.js';
import { makeDirectory } from '../files/make-directory.js';
import { refuseNoPath } from '../files/refuse-no-path.js';
import { waitForLock } from '../files/wait-for-lock.js';
import type { RunContext } from './context.js';

/**
 * Finds the folder in which something that is made of runs is to lie.
 *
 * @param out where the user wants it
 * @param what it is, for messages
 * @param runs their directories
 * @returns the folder, absolute
 * @throws InputError where it lies in one of the runs, which write, and replace, all that is in them
 */
export function folderBeside(out: string, what: string, runs: readonly string[]): string {
  refuseNoPath(out, `the folder of ${what}`);
  const folder = path.resolve(out);
  for (const run of runs) {
    const way = path.relative(path.resolve(run), folder);
    if (way.startsWith('..') || path.isAbsolute(way)) continue;
    throw new InputError(
      `${folder}: lies in ${path.resolve(run)}, which is a run's own. Give an --out beside it`,
    );
  }
  return folder;
}

/** Keeps others from writing a folder while `work` does. @param folder absolute; it need not be there */
export async function withLockedFolder<Result>(
  folder: string,
  context: RunContext,
  work: (lock: LockClaim) => Promise<Result>,
): Promise<Result> {
  makeDirectory(path.dirname(folder));
  const file = path.join(path.dirname(folder), `.${path.basename(folder)}.lock`);
  const lock = await waitForLock(file, `it writes ${folder}`, context);
  return withCleanUp(
    () => work(lock.claim),
    () => lock.release(),
  );
}
