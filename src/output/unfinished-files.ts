import { existsSync } from 'node:fs';
import path from 'node:path';
import { removeEmpty } from '../files/held-directory.js';
import { namesIn } from '../files/names-in.js';
import { sweepPartialFiles } from '../files/partial-file.js';
import { removeFile } from '../files/remove-file.js';
import { NEIGHBOUR_UNITS } from '../plan/neighbour-units.js';
import { type StageName, stageNames } from '../plan/stages.js';
import { RECORDS_FOLDER } from './done-records.js';
import { FAILURES_FOLDER } from './failure-records.js';
import { isOwnName, leadsOut } from './own-files.js';
import { PARTS_FOLDER } from './part-file.js';
import { PLAN_NAME } from './run-folders.js';

const folders = [RECORDS_FOLDER, FAILURES_FOLDER, PARTS_FOLDER];

/** Names of the folders inside of these. */
const unitNames = [...stageNames, NEIGHBOUR_UNITS] as const;

/** Folders, in a run's directory, of what its units leave for each other. */
export const unitFolders: readonly string[] = folders.flatMap((folder) =>
  unitNames.map((name) => `${folder}/${name}`),
);

/** Whether something lies there that an unfinished run has beside what a finished one keeps. */
export function holdsUnfinished(directory: string): boolean {
  return [PLAN_NAME, ...folders].some((name) => existsSync(path.join(directory, name)));
}

/** Removes all that an unfinished run has beside what a finished one keeps: the plan first. */
export function removeUnfinished(directory: string): void {
  removeFile(path.join(directory, PLAN_NAME));
  for (const name of unitNames) removeUnits(directory, name, folders);
  for (const folder of folders) {
    const place = path.join(directory, folder);
    if (leadsOut(directory, place) === null) removeEmpty(place, place);
  }
}

/** Removes what the units of a stage have recorded, so that they are computed again. */
export function forgetStage(directory: string, stage: StageName): void {
  removeUnits(directory, stage, [RECORDS_FOLDER, PARTS_FOLDER]);
}

function removeUnits(directory: string, units: (typeof unitNames)[number], from: readonly string[]): void {
  for (const folder of from) {
    const name = `${folder}/${units}`;
    const place = path.join(directory, name);
    if (!existsSync(place) || leadsOut(directory, place) !== null) continue;
    sweepPartialFiles(place);
    for (const file of namesIn(place)) if (isOwnName(`${name}/${file}`)) removeFile(path.join(place, file));
    removeEmpty(place, place);
  }
}
