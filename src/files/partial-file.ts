import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  write,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { CHUNK_BYTES } from './chunks.js';
import { checkGuards } from './guarded-directory.js';
import { lockAbove, refuseLost } from './lock.js';
import type { LockClaim } from './lock-file.js';
import { removeFile } from './remove-file.js';
import { syncDirectory } from './sync-files.js';
import { asOutputError } from './write-error.js';

/** A file in the making, next to where it will stand, under a name that no reader takes for the finished one. */
export interface PartialFile {
  /** Open for reading and writing until `commit` or `discard`. */
  readonly fd: number;
  /** `.NAME.RANDOM.partial` in the directory of the final path; others may open it and write their part. */
  readonly path: string;
  /** Writes all of `bytes`, at `position` or, without one, after what was last written without one. */
  write(bytes: Uint8Array, position?: number): void;
  /**
   * Makes the file appear under its final name, whole. On failure nothing appears and nothing is left. All
   * descriptors that others opened may still be open, but must have written everything.
   *
   * The lock of the directory is checked last: whoever has taken it over in the meantime swept the partial files away
   * (see `sweepPartialFiles`) before writing files of its own, or this finds that the lock is lost. What guards a
   * directory without a lock (see `withGuard`) is checked then, too.
   *
   * @param options.durable wait until the file is on the disk (the default); otherwise a power cut, not a mere
   * kill, may still lose it until `syncFiles`
   * @param options.exclusive leave what stands there already, instead of replacing it
   * @returns whether this file stands there now, and not another one that stood there before
   */
  commit(options?: { durable?: boolean; exclusive?: boolean }): boolean;
  /**
   * Removes the file; does nothing after `commit`, so it fits a `finally`. It never throws, which would hide what it is
   * called after: what cannot be removed now is swept later.
   */
  discard(): void;
}

/**
 * Opens a file that appears at `finalPath` atomically: whoever looks sees the former file there or the whole new
 * one, also after a kill or a power failure, which leaves at most the partial file (see `sweepPartialFiles`).
 *
 * It appears by rename, which replaces what stood there: whoever holds the lock of a directory writes alone. Where several
 * write without one, the first is to win: then it appears by link, or, where there are no hard links (exFAT, many network
 * mounts), by a rename after a look.
 *
 * @param options.bytes size to give the file at once, for writers that each have their own offset
 * @param options.lock that must be held when the file appears, by default this thread's of the nearest directory above
 * @throws InputError or RunError that names the path and says what to do
 */
export function createPartialFile(
  finalPath: string,
  { bytes = 0, lock = lockAbove(finalPath) }: { bytes?: number; lock?: LockClaim | null } = {},
): PartialFile {
  const { dir, base } = path.parse(finalPath);
  const partialPath = path.join(dir, `.${base}.${randomBytes(8).toString('hex')}.partial`);
  const attempt = <Result>(action: () => Result): Result => {
    try {
      return action();
    } catch (error) {
      throw asOutputError(error, finalPath);
    }
  };
  const fd = attempt(() => openSync(partialPath, 'wx+'));
  let state: 'open' | 'closed' | 'gone' = 'open';
  const close = () => {
    // Before the call: a descriptor is released even where closing reports an error.
    state = 'closed';
    closeSync(fd);
  };
  const file: PartialFile = {
    fd,
    path: partialPath,
    write: (chunk, position) => writeFully(fd, chunk, position ?? null, finalPath),
    commit: ({ durable = true, exclusive = false } = {}) => {
      let appeared = true;
      try {
        attempt(() => {
          if (durable) fsyncSync(fd);
          if (lock !== null) refuseLost(lock);
          checkGuards(finalPath);
          appeared = !exclusive || linkFirst(fd, partialPath, finalPath);
          close();
          if (!exclusive) renameSync(partialPath, finalPath);
        });
      } catch (error) {
        file.discard();
        throw error;
      }
      if (exclusive) file.discard();
      state = 'gone';
      if (durable && appeared) attempt(() => syncDirectory(dir));
      return appeared;
    },
    discard: () => {
      const former = state;
      state = 'gone';
      if (former === 'open') quietly(() => closeSync(fd));
      if (former !== 'gone') quietly(() => rmSync(partialPath, { force: true }));
    },
  };
  try {
    if (bytes > 0) attempt(() => ftruncateSync(fd, bytes));
  } catch (error) {
    file.discard();
    throw error;
  }
  return file;
}

/**
 * Gives an open partial file its final name, unless something stands there already. The partial name may be left.
 *
 * @returns whether the file stands there now
 */
function linkFirst(fd: number, partialPath: string, finalPath: string): boolean {
  try {
    linkSync(partialPath, finalPath);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    // The answer of a network may have been lost, and the call made twice.
    if (code === 'EEXIST') return fstatSync(fd).nlink > 1;
    if (!noHardLinks.has(code)) throw error;
    if (existsSync(finalPath)) return false;
    renameSync(partialPath, finalPath);
    return true;
  }
}

/** What file systems without hard links answer. */
const noHardLinks: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Writes chunks, in order, to a file that appears at `finalPath` atomically. Where `chunks` itself throws, nothing
 * is left.
 */
export function writeFileAtomically(finalPath: string, chunks: Iterable<Uint8Array>): void {
  const file = createPartialFile(finalPath);
  try {
    for (const chunk of chunks) file.write(chunk);
    file.commit();
  } finally {
    file.discard();
  }
}

/**
 * Writes a file as `writeFileAtomically` does, on a thread that Node has for it: this one is free meanwhile. The bytes must stay
 * as they are.
 */
export async function writeFileAside(finalPath: string, chunks: readonly Uint8Array[]): Promise<void> {
  const file = createPartialFile(finalPath);
  try {
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.length; ) {
        const length = Math.min(chunk.length - done, CHUNK_BYTES);
        done += (await writeOnThread(file.fd, chunk, done, length, null)).bytesWritten;
      }
    }
    // What takes long is done when `commit` syncs on this thread.
    await syncOnThread(file.fd);
    file.commit();
  } catch (error) {
    throw asOutputError(error, finalPath);
  } finally {
    file.discard();
  }
}

const writeOnThread = promisify(write);
const syncOnThread = promisify(fsync);

/** Does what another failure must not be hidden by. */
function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // The descriptor ends with the process, and the next sweep finds the file.
  }
}

/**
 * Writes all of `bytes`: one call of the system may write less than it was given.
 *
 * @param position in the file, or null for where the descriptor stands
 * @param file path for the error message
 */
export function writeFully(fd: number, bytes: Uint8Array, position: number | null, file: string): void {
  try {
    for (let done = 0; done < bytes.length; ) {
      const length = Math.min(bytes.length - done, CHUNK_BYTES);
      done += writeSync(fd, bytes, done, length, position === null ? null : position + done);
    }
  } catch (error) {
    throw asOutputError(error, file);
  }
}

/**
 * Removes the partial files that a kill left in a directory. Only for a directory, or a name in it, that no other
 * run is writing: its partial files look the same.
 *
 * @param finalName only the partial files of this name, in a directory that belongs to others as well
 * @returns the names removed
 */
export function sweepPartialFiles(directory: string, finalName?: string): string[] {
  const names = readNames(directory).filter((name) => {
    const match = partialName.exec(name);
    return match !== null && (finalName === undefined || match[1] === finalName);
  });
  for (const name of names) removeFile(path.join(directory, name));
  return names;
}

const partialName = /^\.(.+)\.[0-9a-f]{16}\.partial$/s;

/** Lists plain files; a directory that does not exist has none. */
function readNames(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw asOutputError(error, directory);
  }
}
