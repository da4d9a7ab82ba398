import { type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { runTasks } from '../executor/executor.js';
import { asInputError } from '../files/read-error.js';
import type { Manifest } from '../output/manifest.js';
import { type ManifestFile, manifestFiles } from '../output/manifest-files.js';
import { MANIFEST_NAME } from '../output/run-folders.js';
import { placeOf } from '../output/staged-files.js';
import { counted } from '../text/figures.js';
import type { RunContext } from './context.js';

/**
 * Looks at every file of a finished run: always at its size, and at its checksum where it may have changed since the
 * manifest was written (a system time of it is not older), or where that is asked for. Tells `note` what was found.
 * @param directory absolute
 * @param checksums compare all of them
 * @returns what is damaged or missing, in words
 */
export async function damageOf(
  manifest: Manifest,
  directory: string,
  checksums: boolean,
  { executor, stopwatch, note }: RunContext,
): Promise<string[]> {
  const committed = statusOf(path.join(directory, MANIFEST_NAME))!;
  const problems: string[] = [];
  const changed: ManifestFile[] = [];
  const files = manifestFiles(manifest);
  for (const file of files) {
    const found = statusOf(placeOf(directory, file));
    if (found === undefined) problems.push(`${file.path}: is missing`);
    else if (!found.isFile()) problems.push(`${file.path}: is no regular file`);
    else if (found.size !== file.bytes)
      problems.push(`${file.path}: has ${found.size} bytes, not ${file.bytes}`);
    else if (checksums || isNewer(found, committed)) changed.push(file);
  }
  const inputs = changed.map((file) => ({
    files: [{ ...file, sha256: file.sha256!, absolutePath: placeOf(directory, file) }],
  }));
  if (inputs.length > 0) {
    await stopwatch.time('check of what is done', undefined, () =>
      runTasks(executor, 'checksum', inputs, (result) => void problems.push(...result.problems)),
    );
  }
  for (const problem of problems) note(`${problem}: to be made again`);
  if (problems.length === 0) {
    const compared =
      inputs.length === 0
        ? 'none has changed since'
        : `${counted(inputs.length, 'checksum')} compared, all as recorded`;
    note(
      `${directory}: this run is finished already; ${counted(files.length, 'file')} of the recorded sizes, ${compared}`,
    );
  }
  return problems;
}

/** The state of a file of the run; undefined where there is none. */
function statusOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw asInputError(error, file, 'the run');
  }
}

/** Whether a file may have been touched after the manifest was written; setting times back moves its change time. */
function isNewer(file: Stats, committed: Stats): boolean {
  return Math.max(file.mtimeMs, file.ctimeMs) >= Math.min(committed.mtimeMs, committed.ctimeMs);
}
