import { statSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { asInputError } from '../files/read-error.js';
import { checkpointKind } from '../input/checkpoint-kind.js';
import { partOfRun } from './part-of-run.js';
import { holdsBegunRun, MANIFEST_NAME, type RunFolder, runFoldersIn } from './run-folders.js';

/** The error for a place without a manifest, where a run is wanted: what it is instead, and what to give. */
export function withoutManifest(place: string): unknown {
  let isFolder: boolean;
  try {
    isFolder = statSync(place).isDirectory();
  } catch (error) {
    return asInputError(error, place, 'the run');
  }
  const runs = isFolder ? runFoldersIn(place) : [];
  const checkpoint = checkpointKind(place);
  // A folder with a checkpoint is nothing that a run writes.
  const part = isFolder && checkpoint !== null ? null : partOfRun(place);
  if (part !== null) return part;
  if (checkpoint !== null) {
    return new InputError(
      `${place}: is no finished run but ${checkpoint}: \`eigenshard inspect ${place}\` shows what a run would take ` +
        `of it, and \`eigenshard --model ${place}\` computes one`,
    );
  }
  if (!isFolder)
    return new InputError(`${place}: expected the output directory of a finished run, found a file`);
  if (runs.length > 0) return new InputError(folderOfRuns(place, runs));
  const next = holdsBegunRun(place)
    ? "an unfinished one lies there, which the run's own command with --resume completes"
    : 'give the output directory of one';
  return new InputError(`${place}: holds no finished run (no ${MANIFEST_NAME}); ${next}`);
}

/** What to say of the folder of a batch, where one run is wanted. */
function folderOfRuns(directory: string, runs: readonly RunFolder[]): string {
  const lines = runs.map(
    ({ name, isFinished }) => `  ${path.join(directory, name)}${isFinished ? '' : ' (unfinished)'}`,
  );
  return `${directory}: is a folder of runs, such as a batch makes, not a run itself. Give one of its runs:\n${lines.join('\n')}`;
}
