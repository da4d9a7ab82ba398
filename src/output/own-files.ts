import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { readTextIfThere } from '../files/read-text.js';
import { NEIGHBOUR_UNITS } from '../plan/neighbour-units.js';
import { stageNames } from '../plan/stages.js';
import { MANIFEST_NAME, PLAN_NAME, RECORDS_NAME } from './run-folders.js';

/**
 * Marks a directory as an output of a run, from before its first file to its end: what `--overwrite` goes by where
 * manifest and records are lost.
 */
export const MARKER_NAME = '.eigenshard.run';
export const MARKER_TEXT =
  'This folder is an output of eigenshard. `--overwrite` replaces the files that a run has written here, and no others.\n';

/** Whether a file is the mark, whole. */
export function isMarker(file: string): boolean {
  try {
    return readTextIfThere(file, 'the mark of a run') === MARKER_TEXT;
  } catch {
    // No regular file, or one that cannot be read.
    return false;
  }
}

/** Every name that a run gives a file of its own, whatever its options, in any layout. */
const ownNames = new RegExp(
  [
    // Former versions kept a journal.jsonl.
    String.raw`^(?:${MANIFEST_NAME}|${PLAN_NAME}|${RECORDS_NAME}|journal\.jsonl|\${MARKER_NAME}`,
    String.raw`(?:done|failed|parts)/(?:${[...stageNames, NEIGHBOUR_UNITS].join('|')})/\d{5,}(?:\.\d+)?\.(?:json|bin)`,
    String.raw`eigenbasis\.(?:safetensors|pt)|metric\.safetensors|report\.html`,
    String.raw`(?:tokens|eigenvectors|extremes|histograms|neighbours)\.parquet`,
    String.raw`\.?projections\.(?:pt|safetensors|npy)(?:\.unfinished)?`,
    String.raw`projections/(?:(?:parquet|arrow)/)?part-\d{5,}\.(?:parquet|arrow))$`,
  ].join('|'),
);

/** Whether a run gives one of its files this name. @param name relative to its directory, with '/' */
export function isOwnName(name: string): boolean {
  return ownNames.test(name);
}

/**
 * Whether a file lies in a directory not only by its path: no symbolic link leads elsewhere on the way.
 * @param directory absolute
 * @param file absolute; a link itself lies where it stands
 */
export function liesInside(directory: string, file: string): boolean {
  const parent = path.dirname(file);
  const way = path.relative(directory, parent);
  if (way.startsWith('..') || path.isAbsolute(way) || !existsSync(parent)) return false;
  return leadsOut(directory, parent) === null;
}

/** The place to which a symbolic link leads on the way to a folder of a directory; null where none leads elsewhere. */
export function leadsOut(directory: string, folder: string): string | null {
  if (!existsSync(folder)) return null;
  const real = realpathSync(folder);
  return real === path.join(realpathSync(directory), path.relative(directory, folder)) ? null : real;
}

/**
 * Refuses a folder of the output directory that is one by its path alone: a run writes nothing elsewhere.
 * @throws InputError that says where it leads
 */
export function refuseLeadingOut(directory: string, folder: string): void {
  const real = leadsOut(directory, folder);
  if (real === null) return;
  throw new InputError(
    `${folder}: a symbolic link leads to ${real}, and a run writes into its own directory alone. Put a folder in the place ` +
      'of the link, or give an --out where all of the run may lie',
  );
}
