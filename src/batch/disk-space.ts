import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { InputError } from '../errors.js';
import { formatBytes } from '../text/figures.js';
import { type BatchPlan, isPlanned, type PlannedRun } from './batch-plan.js';

/** What a file takes beyond its bytes, on common file systems: its last block, which is not full. */
const BLOCK_BYTES = 4096;

/** A run's manifest and journal: 330 bytes and 250 bytes a file of a partition in turn, and what stands around them. */
const RECORD_BYTES = 2 ** 14;
const RECORD_BYTES_PER_FILE = 2 ** 10;

/** A file system, and what is free on it for this user. */
export interface FreeSpace {
  fileSystem: string;
  freeBytes: number;
}

export interface DiskNeed {
  /** A place on the file system, for messages. */
  place: string;
  neededBytes: number;
  freeBytes: number;
}

/**
 * What the batch will write to each file system that it writes to, beside what is free there. Files of an interrupted
 * run that are there already are not written again.
 *
 * @param freeSpaceAt asks the system; another answer in tests
 */
export async function diskNeeds(
  { runs }: BatchPlan,
  freeSpaceAt: (place: string) => Promise<FreeSpace> = freeSpace,
): Promise<DiskNeed[]> {
  const planned = runs.filter(isPlanned);
  // Once each: two runs may have one made-up checkpoint.
  const files = new Map(planned.flatMap((run) => run.files).map((file) => [file.path, file.bytes]));
  const byFolder = new Map<string, number>();
  const add = (folder: string, bytes: number) => byFolder.set(folder, (byFolder.get(folder) ?? 0) + bytes);
  for (const [file, bytes] of files) {
    add(path.dirname(file), Math.max(0, roundUp(bytes) - (await allocatedBytes(file))));
  }
  for (const run of planned) {
    add(path.resolve(run.config.out), recordBytes(run));
  }
  // Likewise: two runs may be of one model.
  const downloads = new Map<string, number>();
  for (const { downloadTarget, bytesToDownload } of planned) {
    if (downloadTarget !== null && bytesToDownload > 0) downloads.set(downloadTarget, bytesToDownload);
  }
  for (const [target, bytes] of downloads) add(path.dirname(target), bytes);
  const needs = new Map<string, DiskNeed>();
  for (const [folder, bytes] of byFolder) {
    const place = await existingAncestor(folder);
    const { fileSystem, freeBytes } = await freeSpaceAt(place);
    const need = needs.get(fileSystem) ?? { place, neededBytes: 0, freeBytes };
    need.neededBytes += bytes;
    needs.set(fileSystem, need);
  }
  return [...needs.values()];
}

/** @throws InputError where a file system cannot take what the batch will write to it */
export function refuseFullDisk(needs: readonly DiskNeed[]): void {
  const problems = needs
    .filter(({ neededBytes, freeBytes }) => neededBytes > freeBytes)
    .map(
      ({ place, neededBytes, freeBytes }) =>
        `${place}: the batch needs ${formatBytes(neededBytes)} on this file system, ${formatBytes(freeBytes)} are free`,
    );
  if (problems.length === 0) return;
  throw new InputError(
    `${problems.join('\n')}\nNothing has been computed. Free space, give another --out, or run fewer models at a time`,
  );
}

async function freeSpace(place: string): Promise<FreeSpace> {
  const [{ dev }, { bavail, bsize }] = await Promise.all([stat(place), statfs(place)]);
  return { fileSystem: String(dev), freeBytes: bavail * bsize };
}

function recordBytes({ files, state }: PlannedRun): number {
  return state.is === 'finished' ? 0 : RECORD_BYTES + RECORD_BYTES_PER_FILE * files.length;
}

/** What lies on the disk of a file; an export that was only given its size has less than its length. */
async function allocatedBytes(file: string): Promise<number> {
  try {
    return (await stat(file)).blocks * 512;
  } catch {
    // Nothing there, or nothing that can be seen: it counts in full.
    return 0;
  }
}

async function existingAncestor(folder: string): Promise<string> {
  for (let place = path.resolve(folder); ; place = path.dirname(place)) {
    const isThere = await stat(place).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isThere || place === path.dirname(place)) return place;
  }
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}
