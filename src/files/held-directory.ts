import { rmdirSync } from 'node:fs';
import path from 'node:path';
import { withCleanUp } from './clean-up.js';
import type { Lock } from './lock.js';
import { makeDirectory } from './make-directory.js';
import { type LockContext, lockDirectory } from './wait-for-lock.js';

/** A directory that this process has locked. */
export interface HeldDirectory {
  lock: Lock;
  /** Gives the lock up, and removes the directory, with those above it, where it was made and has stayed empty. */
  release(): void;
}

/**
 * Locks a directory, and makes it where there is none.
 *
 * @throws InputError while another process works there; RunError where it cannot be made
 */
export async function takeDirectory(directory: string, context: LockContext): Promise<HeldDirectory> {
  const absolute = path.resolve(directory);
  const made = makeDirectory(absolute, directory);
  const lock = await lockDirectory(absolute, context);
  return {
    lock,
    release: () => {
      lock.release();
      if (made !== undefined) removeEmpty(absolute, made);
    },
  };
}

/** Does something while this process has a directory locked. */
export async function holdDirectory<Result>(
  directory: string,
  context: LockContext,
  work: () => Promise<Result>,
): Promise<Result> {
  const held = await takeDirectory(directory, context);
  return withCleanUp(work, () => held.release());
}

/** Removes `directory` and what is above it, up to `last`, as long as they are empty. */
export function removeEmpty(directory: string, last: string): void {
  for (let folder = directory; ; folder = path.dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch {
      // Something lies in it.
      return;
    }
    if (folder === last || folder === path.dirname(folder)) return;
  }
}
