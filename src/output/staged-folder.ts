import { lstatSync, renameSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { makeDirectory } from '../files/make-directory.js';
import { namesIn } from '../files/names-in.js';
import { removeFile } from '../files/remove-file.js';
import { syncDirectory } from '../files/sync-files.js';
import { asOutputError } from '../files/write-error.js';

/** A kind of folders that appear whole or not at all: their files are made in a stage beside them. */
export interface StagedKind {
  /** Name of the record, which is written last and makes a folder a finished one. */
  record: string;
  /** Names that the files of such a folder can have, its record and partial files aside. */
  ownName: RegExp;
  /** What lies there, for messages. */
  what: string;
}

/** Tells files that are kept of a folder in the making, by their names. */
export type KeptNames = (name: string) => boolean;

const keepsNone: KeptNames = () => false;

/**
 * Makes a folder in which the files of a folder are made, empty but for what is kept of the one that a kill left there; a folder
 * that it left moved aside is put back.
 *
 * @param folder absolute; its neighbours are locked, or nobody else writes there
 * @param wish.option by which another folder is chosen
 * @param wish.isReplaced whether a finished folder of this kind is to be replaced
 * @param wish.isKept whether a file that a kill left is gone on with, by its name; none is where nothing is said
 * @returns the stage
 * @throws InputError where something stands in the place of the folder, unless it is to be replaced, or an empty folder
 */
export function openStage(
  folder: string,
  kind: StagedKind,
  { option, isReplaced, isKept = keepsNone }: { option: string; isReplaced: boolean; isKept?: KeptNames },
): string {
  putBack(folder, kind);
  if (isThere(folder)) {
    const files = ownFilesOf(folder, kind, option);
    // An empty folder is nobody's work.
    if (files.length > 0 && !isReplaced)
      throw new InputError(
        `${folder}: is there already. Give another ${option}, or --overwrite to replace it`,
      );
  }
  const former = formerOf(folder);
  if (isThere(former)) removeFolder(former, kind);
  discardStage(folder, kind, isKept);
  const stage = stageOf(folder);
  makeDirectory(stage);
  return stage;
}

/**
 * Removes the stages that killed calls left in a folder, and puts back what they left moved aside. One in which something else
 * lies, which nobody may remove, is left.
 *
 * @param above the folder, absolute; it is locked, so that nobody is making any of them
 * @param open name of a folder whose stage is left to `openStage`; undefined where none is about to be made
 */
export function sweepStages(above: string, kind: StagedKind, open?: string): void {
  for (const name of namesIn(above)) {
    const [, replaced] = /^\.(.+)\.former\.partial$/.exec(name) ?? [];
    if (replaced !== undefined) putBack(path.join(above, replaced), kind);
  }
  for (const name of namesIn(above)) {
    const stage = path.join(above, name);
    if (!/^\..+\.partial$/.test(name) || !lstatSync(stage).isDirectory()) continue;
    if (open !== undefined && stage === stageOf(path.join(above, open))) continue;
    if (strangeName(namesIn(stage), kind) === undefined) removeFolder(stage, kind);
  }
}

/**
 * Puts a finished folder in its place. What stands there is moved aside whole before it is removed, so that a kill leaves
 * it, the new one, or, for a moment, nothing: then `openStage` puts it back.
 */
export function commitStage(folder: string, kind: StagedKind): void {
  const former = formerOf(folder);
  try {
    if (isThere(folder)) {
      ownFilesOf(folder, kind, null);
      renameSync(folder, former);
    }
    renameSync(stageOf(folder), folder);
    syncDirectory(path.dirname(folder));
  } catch (error) {
    throw asOutputError(error, folder);
  }
  if (isThere(former)) removeFolder(former, kind);
}

/** Removes what was made of a folder that failed, but for what is kept to go on with. */
export function discardStage(folder: string, kind: StagedKind, isKept: KeptNames = keepsNone): void {
  const stage = stageOf(folder);
  if (isThere(stage)) removeFolder(stage, kind, isKept);
}

/** Moves a finished folder back, if a kill came between the two renames of `commitStage`. */
function putBack(folder: string, kind: StagedKind): void {
  const former = formerOf(folder);
  if (isThere(folder) || !isThere(former) || !lstatSync(former).isDirectory()) return;
  const names = namesIn(former);
  if (!names.includes(kind.record) || strangeName(names, kind) !== undefined) return;
  try {
    renameSync(former, folder);
  } catch (error) {
    throw asOutputError(error, folder);
  }
}

function stageOf(folder: string): string {
  return path.join(path.dirname(folder), `.${path.basename(folder)}.partial`);
}

/** Where a folder lies that is replaced, until it is removed. */
function formerOf(folder: string): string {
  return path.join(path.dirname(folder), `.${path.basename(folder)}.former.partial`);
}

function isThere(place: string): boolean {
  return lstatSync(place, { throwIfNoEntry: false }) !== undefined;
}

/** Removes a folder of which all files are of its kind; where files are kept, all others. */
function removeFolder(folder: string, kind: StagedKind, isKept: KeptNames = keepsNone): void {
  const files = ownFilesOf(folder, kind, null);
  for (const name of files) if (!isKept(name)) removeFile(path.join(folder, name));
  if (files.some(isKept)) return;
  try {
    rmdirSync(folder);
  } catch (error) {
    throw asOutputError(error, folder);
  }
}

/** Finds a name that no file of such a folder has. */
function strangeName(names: readonly string[], { record, ownName }: StagedKind): string | undefined {
  return names.find((name) => name !== record && !ownName.test(name) && !/^\..+\.partial$/.test(name));
}

/**
 * Lists the files of a folder.
 *
 * @param option by which another folder is chosen, where it must be a finished one; null where it need not
 * @throws InputError where something else lies there, which nobody may remove
 */
function ownFilesOf(folder: string, kind: StagedKind, option: string | null): string[] {
  const { what, record } = kind;
  if (!lstatSync(folder).isDirectory())
    throw new InputError(
      `${folder}: expected a folder of ${what}, and something else stands there: move it away`,
    );
  const names = namesIn(folder);
  const strange = strangeName(names, kind);
  if (strange === undefined && (option === null || names.length === 0 || names.includes(record)))
    return names;
  throw new InputError(
    `${folder}: ${strange === undefined ? `has no ${record}` : `holds ${strange}, which is not of ${what}`}; ` +
      `move it away${option === null ? '' : `, or give another ${option}`}`,
  );
}
