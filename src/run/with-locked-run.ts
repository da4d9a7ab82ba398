import path from 'node:path';
import { withCleanUp } from '../files/clean-up.js';
import { lockDirectory } from '../files/wait-for-lock.js';
import { readManifest } from '../output/manifest.js';
import { type Caller, withContext } from './caller.js';
import type { LockedRun } from './plan-extension.js';

/**
 * Locks the directory of a finished run while `work` adds to it.
 *
 * @param workers threads of its pool
 * @throws InputError where there is no finished run; EigenshardError of the kind 'interrupted' after an abort
 */
export async function withLockedRun<Result>(
  directory: string,
  workers: number,
  caller: Caller,
  work: (run: LockedRun) => Promise<Result>,
): Promise<Result> {
  // Before the lock, which only the directory of a run takes.
  readManifest(directory);
  const place = path.resolve(directory);
  return withContext(workers, caller, async (context) => {
    const lock = await lockDirectory(place, context);
    return withCleanUp(
      () => work({ directory: place, manifest: readManifest(directory), lock: lock.claim, context }),
      () => lock.release(),
    );
  });
}
