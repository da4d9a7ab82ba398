import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { refuseLost } from '../files/lock.js';
import type { LockClaim } from '../files/lock-file.js';
import { makeDirectory } from '../files/make-directory.js';
import { readable } from '../files/readable.js';
import { syncFiles } from '../files/sync-files.js';
import { asOutputError } from '../files/write-error.js';
import { type Manifest, readManifest, writeManifest } from './manifest.js';
import { type ManifestFile, manifestFiles } from './manifest-files.js';
import { isOwnName } from './own-files.js';

/**
 * Folder in a run's directory where files are made that are to be added to the finished run, or to replace some of it:
 *
 *   made under their names --stage--> complete, each called by its SHA-256 --manifest--> part of the run --> in their places
 *
 * The manifest is the commit. Readers look here for a file of its checksum first, so that a kill at any moment leaves the run
 * as it was or as it will be; whoever locks the directory next puts the files in their places, and removes the rest.
 */
const STAGE_NAME = '.eigenshard.export';

/** Where files of the run in a directory are staged. */
export function stageOf(directory: string): string {
  return path.join(directory, STAGE_NAME);
}

/** Where a file that a manifest records lies now: in its place, or still staged. */
export function placeOf(
  directory: string,
  { path: name, sha256 }: Pick<ManifestFile, 'path' | 'sha256'>,
): string {
  const staged = sha256 === null ? null : stagedPlace(directory, sha256);
  if (staged !== null && existsSync(staged)) return staged;
  return path.isAbsolute(name) ? name : path.join(directory, name);
}

/** Empties the stage of a locked run, after what its manifest names has been put in its place. */
export function settleStage(directory: string): void {
  const stage = stageOf(directory);
  if (!existsSync(stage)) return;
  // Where it cannot be read, what is staged cannot belong to it.
  const manifest = readable(() => readManifest(directory));
  if (manifest !== null) publish(directory, manifest);
  removeStage(stage);
}

/** Makes an empty stage. @returns its path, in which files are made under their own names */
export function openStage(directory: string): string {
  const stage = stageOf(directory);
  removeStage(stage);
  makeDirectory(stage);
  return stage;
}

/** Takes a file that was made on the stage, whole, for complete. */
export function stageFile(directory: string, { path: name, sha256 }: { path: string; sha256: string }): void {
  move(path.join(stageOf(directory), name), stagedPlace(directory, sha256));
}

/**
 * Makes staged files part of the finished run.
 *
 * @param manifest that names them
 * @param lock of the directory
 */
export async function commitStaged(directory: string, manifest: Manifest, lock: LockClaim): Promise<void> {
  const staged = manifestFiles(manifest).map((file) => placeOf(directory, file));
  await syncFiles(staged.filter((file) => path.dirname(file) === stageOf(directory)));
  refuseLost(lock);
  writeManifest(directory, manifest);
  publish(directory, manifest);
  removeStage(stageOf(directory));
}

function stagedPlace(directory: string, sha256: string): string {
  // A manifest may come from anywhere: what is no checksum names no file here.
  return path.join(stageOf(directory), /^[0-9a-f]{64}$/.test(sha256) ? sha256 : 'none');
}

/** Puts staged files in their places: names that a run gives its files, in the directory itself. */
function publish(directory: string, manifest: Manifest): void {
  for (const { path: name, sha256 } of manifestFiles(manifest)) {
    const staged = sha256 === null ? null : stagedPlace(directory, sha256);
    if (staged === null || !existsSync(staged) || name.includes('/') || !isOwnName(name)) continue;
    move(staged, path.join(directory, name));
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    throw asOutputError(error, to);
  }
}

/** Removes a stage; of a symbolic link in its place, the link alone. */
function removeStage(stage: string): void {
  try {
    rmSync(stage, { recursive: true, force: true });
  } catch (error) {
    throw asOutputError(error, stage);
  }
}
