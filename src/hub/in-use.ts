import { existsSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { findLock, Lock } from '../files/lock.js';
import { makeDirectory } from '../files/make-directory.js';
import { namesIn } from '../files/names-in.js';
import { type LockContext, waitForLock } from '../files/wait-for-lock.js';
import { type CacheLayout, cacheLock } from './cache-layout.js';

/**
 * Time for which the mark of a process that cannot be asked whether it lives counts after its last heartbeat, a day: the
 * clocks of two machines may differ by hours, and what is pruned too late does no harm.
 */
const SILENT_MILLISECONDS = 24 * 3600 * 1000;

/** Marks a model as in use until this process ends, so that nobody prunes it. */
export async function markInUse(cache: string, layout: CacheLayout, context: LockContext): Promise<void> {
  makeDirectory(cache);
  const lock = await waitForLock(cacheLock(cache), 'it looks through the cache', context);
  try {
    const mark = marks.get(layout.model);
    if (mark !== undefined && existsSync(mark.claim.file)) return;
    makeDirectory(layout.inUse);
    keepMark(layout.model, Lock.create(layout.newMark()));
  } finally {
    lock.release();
  }
}

/** Says whether a living process works with the model; forgets those that are gone. Called under the cache's lock. */
export function isInUse({ inUse }: CacheLayout): boolean {
  let found = false;
  for (const name of namesIn(inUse)) {
    const mark = path.join(inUse, name);
    if (isLiving(mark)) found = true;
    else rmSync(mark, { force: true });
  }
  return found;
}

function isLiving(mark: string): boolean {
  const found = findLock(mark);
  if (found === null || found.standing !== 'unknown') return found?.standing === 'living';
  const age = Date.now() - (statSync(mark, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return age < SILENT_MILLISECONDS;
}

/** Keeps a mark until the process ends; one listener removes all of them. */
function keepMark(model: string, mark: Lock | null): void {
  if (mark === null) return;
  if (marks.size === 0) {
    process.once('exit', () => {
      for (const each of marks.values()) each.release();
    });
  }
  marks.set(model, mark);
}

/** The marks of this process, by the directory of their model. */
const marks = new Map<string, Lock>();
