import { renameSync, rmSync, statfsSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { hashFile } from '../files/hash-file.js';
import type { Lock } from '../files/lock.js';
import { makeDirectory } from '../files/make-directory.js';
import { syncDirectory } from '../files/sync-files.js';
import { waitForLock } from '../files/wait-for-lock.js';
import { asOutputError } from '../files/write-error.js';
import { formatBytes } from '../text/figures.js';
import { pruneCache } from './cache-items.js';
import { type ByteRange, nameOf, type PinnedFile } from './file-request.js';
import { diskFull, type PartialIdentity, PartialRange } from './partial-range.js';
import { downloadRange } from './range-download.js';
import { refuseOffline } from './settings.js';
import { isIntact, readRecord, writeRecord } from './stored-range.js';

/** A tensor's range of a file, and where it lies in the cache. */
export interface WantedRange {
  pinned: PinnedFile;
  range: ByteRange;
  tensor: string | null;
  /** The directory of the file's downloads. */
  directory: string;
}

/** Names the file that is to hold a range. */
export function targetOf({ directory, range }: WantedRange): string {
  return path.join(directory, `${range.begin}-${range.end}`);
}

/** Counts the bytes that are not here yet, as the files say, without reading what is here. */
export function missingBytes(wanted: WantedRange): number {
  const target = targetOf(wanted);
  const { begin, end } = wanted.range;
  return readRecord(target) === null
    ? end - begin - PartialRange.receivedBytes(target, identityOf(wanted))
    : 0;
}

/**
 * Provides a range in the cache: the one that is there when it is intact, else downloaded, by one process at a time.
 * The model must be marked as in use.
 *
 * @returns the file that holds the range and nothing else
 */
export async function provideRange(
  wanted: WantedRange,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  const { directory, pinned } = wanted;
  const target = targetOf(wanted);
  const context = { note: pinned.repository.retries.note, signal };
  makeDirectory(directory);
  const lock = await waitForLock(`${target}.lock`, `it downloads ${nameOf(pinned)}`, context);
  try {
    const stored = readRecord(target) !== null;
    if (!stored || !(await isIntact(target))) {
      if (stored) context.note(`${target}: is no longer what was downloaded: to be downloaded again`);
      refuseOffline(pinned.repository.settings, `${nameOf(pinned)} (tensor ${wanted.tensor})`);
      lock.check();
      rmSync(target, { force: true });
      await makeRoom(wanted, context);
      await download(wanted, lock, onBytes, signal);
    }
  } catch (error) {
    // Whoever has taken the lock over has moved the files away that this failed at.
    lock.check();
    throw asOutputError(error, target);
  } finally {
    lock.release();
  }
  // When it was used last: after the lock, whose end changes the directory too.
  const now = new Date();
  utimesSync(directory, now, now);
  return target;
}

async function download(
  wanted: WantedRange,
  lock: Lock,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { pinned, range, tensor } = wanted;
  const target = targetOf(wanted);
  const partial = PartialRange.open(target, identityOf(wanted));
  try {
    await downloadRange(pinned, range.begin, partial, onBytes, signal);
    partial.sync();
  } finally {
    partial.close();
  }
  const sha256 = await hashFile(partial.path, 'the download');
  lock.check();
  writeRecord(target, {
    repository: pinned.repository.name,
    commit: pinned.commit,
    file: pinned.file.path,
    hash: pinned.file.hash,
    ...range,
    tensor,
    sha256,
  });
  renameSync(partial.path, target);
  partial.removeProgress();
  syncDirectory(path.dirname(target));
}

/** Removes what was not used for longest, and refuses to begin what cannot end. */
async function makeRoom(wanted: WantedRange, context: { note: (line: string) => void }): Promise<void> {
  const { settings } = wanted.pinned.repository;
  const needed = missingBytes(wanted);
  const atMostBytes = Math.max(0, settings.cacheBytes - needed);
  const pruned = await pruneCache(settings.cache, { atMostBytes }, context);
  for (const { repository, bytes } of pruned) {
    context.note(
      `cache: removed ${repository}, ${formatBytes(bytes)}, to stay within ${formatBytes(settings.cacheBytes)}`,
    );
  }
  const { bavail, bsize } = statfsSync(wanted.directory);
  if (bavail * bsize >= needed) return;
  throw diskFull(
    wanted.directory,
    `${formatBytes(needed)} are to be downloaded, ${formatBytes(bavail * bsize)} are free`,
  );
}

function identityOf({ pinned, range }: WantedRange): PartialIdentity {
  const { hash } = pinned.file;
  const { pieceBytes } = pinned.repository.settings.download;
  return { hash, begin: range.begin, end: range.end, pieceBytes };
}
