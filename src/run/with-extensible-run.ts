import path from 'node:path';
import { InputError } from '../errors.js';
import { withCleanUp } from '../files/clean-up.js';
import { sweepPartialFiles } from '../files/partial-file.js';
import { lockDirectory } from '../files/wait-for-lock.js';
import { LAYOUT_VERSION } from '../output/layout-version.js';
import { type Manifest, readManifest } from '../output/manifest.js';
import { settleStage } from '../output/staged-files.js';
import type { RunContext } from './context.js';
import type { LockedRun } from './plan-extension.js';

/**
 * Adds something to the manifest of a finished run under its lock, after what a killed process has left is settled.
 *
 * @throws InputError where there is no run, or one in a layout that this version does not write
 */
export async function withExtensibleRun<Result>(
  directory: string,
  context: RunContext,
  work: (run: LockedRun) => Promise<Result>,
): Promise<Result> {
  // Before the lock, which only the directory of a run takes.
  readManifest(directory);
  const place = path.resolve(directory);
  const lock = await lockDirectory(place, context);
  return withCleanUp(
    async () => {
      settleStage(place);
      sweepPartialFiles(place);
      const manifest = readManifest(directory);
      refuseFormerLayout(directory, manifest);
      return work({ directory: place, manifest, lock: lock.claim, context });
    },
    () => lock.release(),
  );
}

/** @throws InputError for a run that this version does not write */
export function refuseFormerLayout(directory: string, { layout }: Manifest): void {
  if (layout === LAYOUT_VERSION) return;
  throw new InputError(
    `${directory}: is a run in layout ${layout}, which can be read and verified, but not added to. Make the run again`,
  );
}
