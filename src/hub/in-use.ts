import { mkdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { claimFile, holderOf } from '../files/lock.js';
import { namesIn } from '../files/names-in.js';
import { waitForLock } from '../files/wait-for-lock.js';
import { type CacheLayout, cacheLock } from './cache-layout.js';
import type { RetryContext } from './retry.js';

/** Whether a process of another machine lives cannot be asked: its mark holds for a week. */
const FOREIGN_MILLISECONDS = 7 * 24 * 3600 * 1000;

/** Marks a model as in use until this process ends, so that nobody prunes it. */
export async function markInUse(
  cache: string,
  layout: CacheLayout,
  context: Pick<RetryContext, 'note' | 'signal'>,
): Promise<void> {
  const marker = layout.marker();
  mkdirSync(cache, { recursive: true });
  const unlock = await waitForLock(cacheLock(cache), 'it looks through the cache', context);
  try {
    mkdirSync(path.dirname(marker), { recursive: true });
    const claimed = claimFile(marker);
    // Else this process has marked it already.
    if (typeof claimed === 'function') atExit(claimed);
  } finally {
    unlock();
  }
}

/** Whether a living process works with the model; forgets those that are gone. To be called under the cache's lock. */
export function isInUse(model: string): boolean {
  const directory = path.join(model, 'in-use');
  let found = false;
  for (const name of namesIn(directory)) {
    const marker = path.join(directory, name);
    if (isLiving(marker)) found = true;
    else rmSync(marker, { force: true });
  }
  return found;
}

function isLiving(marker: string): boolean {
  const holder = holderOf(marker);
  if (holder === null) return false;
  const age = Date.now() - (statSync(marker, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return holder.host === hostname() || age < FOREIGN_MILLISECONDS;
}

/** One listener for all models of this process. */
function atExit(release: () => void): void {
  if (releases.length === 0) {
    process.once('exit', () => {
      for (const each of releases) each();
    });
  }
  releases.push(release);
}

const releases: (() => void)[] = [];
