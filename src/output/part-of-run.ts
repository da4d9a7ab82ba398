import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { recordedKindOf, recordedKinds } from './recorded-kinds.js';
import { holdsBegunRun, isOwnManifest } from './run-folders.js';

/** Folders that lie one within the other in a run, at most: RUN/projected/NAME, and a file in it. */
const DEPTH = 3;

/** The error for what was made of runs, or lies inside of one, where the run itself is wanted; null elsewhere. */
export function partOfRun(place: string): InputError | null {
  if (!existsSync(place)) return null;
  const kind = recordedKindOf(place);
  const around = runAround(place);
  if (kind !== null) {
    const next = around === null ? 'give the output directory of a run' : `the run is in ${around}`;
    return new InputError(
      `${place}: is no run but ${recordedKinds[kind].what}, which \`inspect\`, \`verify\` and \`sql\` take; ${next}`,
    );
  }
  if (around === null || holdsBegunRun(place)) return null;
  return new InputError(`${place}: is a part of the run in ${around}; give that directory`);
}

/** Finds the finished run that a place lies in; null where it lies in none. */
export function runAround(place: string): string | null {
  let around = path.resolve(place);
  for (let depth = 0; depth < DEPTH; depth++) {
    around = path.dirname(around);
    if (isOwnManifest(around)) return around;
  }
  return null;
}
