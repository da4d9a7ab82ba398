import { lstatSync, renameSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../errors.js';
import { makeDirectory } from '../files/make-directory.js';
import { namesIn } from '../files/names-in.js';
import { removeFile } from '../files/remove-file.js';
import { syncDirectory } from '../files/sync-files.js';
import { asOutputError } from '../files/write-error.js';

/** Kind of folder that appears whole or not at all: its files are made in a stage beside it. */
export interface FolderKind {
  /** What the folder is, as 'projection'. */
  name: string;
  /** What lies in it, as 'projected vectors'. */
  contents: string;
  /** Names that its files can have, those of unfinished ones too. */
  ownName: RegExp;
  /** File that is written last, and makes the folder a finished one. */
  record: string;
  /** Option by which another folder is chosen. */
  option: string;
}

/**
 * Makes an empty folder in which the files of a folder are made; what a kill left there is removed.
 *
 * @param folder absolute; its neighbours are locked, or nobody else writes there
 * @param isReplaced whether a finished folder of this kind is to be replaced
 * @returns the stage
 * @throws InputError where something stands in the place of the folder, unless it is to be replaced
 */
export function openStage(folder: string, kind: FolderKind, isReplaced: boolean): string {
  if (isThere(folder)) {
    if (!isReplaced)
      throw new InputError(
        `${folder}: is there already. Give another ${kind.option}, or --overwrite to replace it`,
      );
    ownFilesOf(folder, kind, true);
  }
  const stage = stageOf(folder);
  if (isThere(stage)) removeFolder(stage, kind);
  makeDirectory(stage);
  return stage;
}

/** Puts a finished folder in its place. */
export function commitStage(folder: string, kind: FolderKind): void {
  if (isThere(folder)) removeFolder(folder, kind);
  try {
    renameSync(stageOf(folder), folder);
    syncDirectory(path.dirname(folder));
  } catch (error) {
    throw asOutputError(error, folder);
  }
}

/** Removes what was made of a folder that failed. */
export function discardStage(folder: string, kind: FolderKind): void {
  const stage = stageOf(folder);
  if (isThere(stage)) removeFolder(stage, kind);
}

function stageOf(folder: string): string {
  return path.join(path.dirname(folder), `.${path.basename(folder)}.partial`);
}

function isThere(place: string): boolean {
  return lstatSync(place, { throwIfNoEntry: false }) !== undefined;
}

/** Removes a folder of which all files are of its kind. */
function removeFolder(folder: string, kind: FolderKind): void {
  for (const name of ownFilesOf(folder, kind, false)) removeFile(path.join(folder, name));
  try {
    rmdirSync(folder);
  } catch (error) {
    throw asOutputError(error, folder);
  }
}

/**
 * Lists the files of a folder.
 *
 * @param hasRecord whether the folder must be a finished one
 * @throws InputError where something else lies there, which nobody may remove
 */
function ownFilesOf(folder: string, kind: FolderKind, hasRecord: boolean): string[] {
  if (!lstatSync(folder).isDirectory())
    throw new InputError(
      `${folder}: expected a folder of ${kind.contents}, and something else stands there: move it away`,
    );
  const names = namesIn(folder);
  const strange = names.find((name) => !kind.ownName.test(name));
  if (strange === undefined && (!hasRecord || names.includes(kind.record))) return names;
  throw new InputError(
    `${folder}: ${strange === undefined ? `has no record of a ${kind.name}` : `holds ${strange}, which no ${kind.name} writes`}; ` +
      `move it away, or give another ${kind.option}`,
  );
}
