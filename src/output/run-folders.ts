import { existsSync } from 'node:fs';
import path from 'node:path';
import { namesIn } from '../files/names-in.js';
import { readTextIfThere } from '../files/read-text.js';

/** What makes a directory that of a finished run. */
export const MANIFEST_NAME = 'manifest.json';

/** What makes a directory that of a run which is not finished. */
export const PLAN_NAME = 'plan.json';

/** Plan and records of a finished run, a line each. */
export const RECORDS_NAME = 'records.jsonl';

/** A folder of a directory in which a run lies. */
export interface RunFolder {
  name: string;
  isFinished: boolean;
}

/** Whether the manifest in `directory`, which may be damaged, begins as those of runs do. */
export function isOwnManifest(directory: string): boolean {
  return beginsAs(path.join(directory, MANIFEST_NAME), 'eigenshard-run', 'the manifest');
}

/**
 * Whether there is a file that begins as the records of a format do; what follows may be damaged.
 *
 * @param role what the file is to the user, for messages
 */
export function beginsAs(file: string, format: string, role: string): boolean {
  return readTextIfThere(file, role)?.startsWith(`{\n  "format": "${format}"`) ?? false;
}

/** Whether a run has begun in `directory` that can be gone on with: one whose manifest is lost has kept its records. */
export function holdsBegunRun(directory: string): boolean {
  return [PLAN_NAME, RECORDS_NAME].some((name) => existsSync(path.join(directory, name)));
}

/** Lists the folders of a directory in which runs lie, by name: those of a batch, for one. */
export function runFoldersIn(directory: string): RunFolder[] {
  return namesIn(directory).flatMap((name) => {
    const isFinished = isOwnManifest(path.join(directory, name));
    return isFinished || holdsBegunRun(path.join(directory, name)) ? [{ name, isFinished }] : [];
  });
}
