import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../errors.js';
import { unfinishedName } from '../output/exports.js';
import { formatBytes } from '../text/figures.js';
import type { PlannedFile } from './planned-files.js';

/** Bytes of a block on common file systems, in whole ones of which a file lies. */
const BLOCK_BYTES = 4096;

/** Bytes of a run's manifest and records without their files. */
const RECORD_BYTES = 2 ** 14;
/** Bytes of a file in manifest and records, about 3,500, and of the records of its two units while the run is not finished. */
const RECORD_BYTES_PER_FILE = 3 * BLOCK_BYTES;

/** Space that is free on a file system for this user. */
export interface FreeSpace {
  fileSystem: string;
  freeBytes: number;
}

/** Need on one file system, beside what is free there. */
export interface DiskNeed {
  /** Folder on the file system, for messages and JSON. */
  place: string;
  neededBytes: number;
  freeBytes: number;
}

/** What a run will write. */
export interface PlannedWrites {
  /** Output directory. */
  out: string;
  /** Files that are yet to be written; empty for a run that is finished, which writes no records either. */
  files: readonly PlannedFile[];
  /** File that a download makes; null where there is none. */
  downloadTarget: string | null;
  bytesToDownload: number;
  /** Files that are removed before, for others; by default none. */
  removed?: readonly string[];
}

/**
 * Needs of runs on each file system that they will write to, beside what is free there. Files of an interrupted run that
 * are there already are not written again.
 *
 * @param freeSpaceAt asks the system; another answer in tests
 */
export async function diskNeedsOf(
  runs: readonly PlannedWrites[],
  freeSpaceAt: (folder: string) => Promise<FreeSpace> = freeSpace,
): Promise<DiskNeed[]> {
  // Once each: two runs may have one made-up checkpoint.
  const files = new Map(runs.flatMap((run) => run.files).map((file) => [file.path, file.bytes]));
  const byFolder = new Map<string, number>();
  const add = (folder: string, bytes: number) => byFolder.set(folder, (byFolder.get(folder) ?? 0) + bytes);
  for (const [file, bytes] of files) {
    add(path.dirname(file), Math.max(0, roundUp(bytes) - (await writtenBytes(file))));
  }
  const removed = runs.flatMap((run) => run.removed ?? []).filter((file) => !files.has(file));
  for (const file of removed) add(path.dirname(file), -(await allocatedBytes(file)));
  for (const { out, files: written } of runs) {
    if (written.length > 0) add(path.resolve(out), RECORD_BYTES + RECORD_BYTES_PER_FILE * written.length);
  }
  // Once each, too: two runs may be of one model.
  const downloads = new Map<string, number>();
  for (const { downloadTarget, bytesToDownload } of runs) {
    if (downloadTarget !== null && bytesToDownload > 0) downloads.set(downloadTarget, bytesToDownload);
  }
  for (const [target, bytes] of downloads) add(path.dirname(target), bytes);
  const needs = new Map<string, DiskNeed>();
  for (const [target, bytes] of byFolder) {
    const folder = await existingAncestor(target);
    const { fileSystem, freeBytes } = await freeSpaceAt(folder);
    const need = needs.get(fileSystem) ?? { place: folder, neededBytes: 0, freeBytes };
    need.neededBytes += bytes;
    needs.set(fileSystem, need);
  }
  return [...needs.values()];
}

/**
 * Refuses what does not fit.
 *
 * @param what writes, as 'the run'
 * @param advice beside freeing space, in a sentence
 * @throws InputError where a file system cannot take what will be written to it
 */
export function refuseFullDisk(needs: readonly DiskNeed[], what: string, advice: string): void {
  const problems = needs
    .filter(({ neededBytes, freeBytes }) => neededBytes > freeBytes)
    .map(
      ({ place, neededBytes, freeBytes }) =>
        `${place}: ${what} needs ${formatBytes(neededBytes)} on this file system, ${formatBytes(freeBytes)} are free`,
    );
  if (problems.length === 0) return;
  const failure = new InputError(`${problems.join('\n')}\nNothing has been computed. ${advice}`);
  failure.isPassing = true;
  throw failure;
}

async function freeSpace(folder: string): Promise<FreeSpace> {
  const [{ dev }, { bavail, bsize }] = await Promise.all([stat(folder), statfs(folder)]);
  return { fileSystem: String(dev), freeBytes: bavail * bsize };
}

/** Bytes of a file that lie on the disk already, be it under the name of an unfinished export. */
async function writtenBytes(file: string): Promise<number> {
  return Math.max(await allocatedBytes(file), await allocatedBytes(unfinishedName(file)));
}

/** Bytes that a file takes; an export that was only given its size takes fewer than its length. */
async function allocatedBytes(file: string): Promise<number> {
  try {
    return (await stat(file)).blocks * 512;
  } catch {
    // Nothing there, or nothing that can be seen: it counts in full.
    return 0;
  }
}

/** Folder itself where it exists, or the nearest one above it that does. */
async function existingAncestor(folder: string): Promise<string> {
  for (let ancestor = path.resolve(folder); ; ancestor = path.dirname(ancestor)) {
    const isThere = await stat(ancestor).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isThere || ancestor === path.dirname(ancestor)) return ancestor;
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}
