import path from 'node:path';
import { checkGuards } from '../files/guarded-directory.js';
import { refuseLost } from '../files/lock.js';
import type { LockClaim } from '../files/lock-file.js';
import { makeDirectory } from '../files/make-directory.js';
import { namesIn } from '../files/names-in.js';
import { withFileSync } from '../files/open-file.js';
import { createPartialFile } from '../files/partial-file.js';
import { readFully } from '../files/read-fully.js';
import { removeFile } from '../files/remove-file.js';
import { isMissing } from '../files/system-error.js';
import { refuseLeadingOut } from './own-files.js';

/** Stretch of a file, in bytes. */
export interface ByteRange {
  offset: number;
  length: number;
}

/**
 * Where the units of a run publish what they have computed, and find what others have: a directory that all machines
 * share. Names are relative, with '/'. Whatever can do these four things, as a bucket can, can be a store.
 */
export interface RunStore {
  /**
   * Publishes a file that appears whole, or leaves the one that stands there already.
   *
   * @param options.isSpare whether a power cut may take it: it is made again where its checksum does not hold
   * @throws InputError or RunError where it cannot be written
   */
  publish(
    name: string,
    chunks: Iterable<Uint8Array>,
    options?: { isSpare: boolean },
  ): 'published' | 'was there';
  /**
   * Reads a file, or a stretch of it; null where there is none.
   *
   * @throws InputError where it ends before the stretch does, or cannot be read
   */
  read(name: string, range?: ByteRange): Uint8Array<ArrayBuffer> | null;
  /** Lists the names in a folder, sorted; none where there is no such folder. */
  list(folder: string): string[];
  /** Withdraws a file, where there is one: what it said is not true any more. */
  remove(name: string): void;
}

/** How a store in a directory writes. */
export interface StoreOptions {
  /** Whether what is published is on the disk when `publish` returns: other machines rely on it. */
  durable: boolean;
  /** Lock of the directory, without which nothing is written; null where nobody locks it. */
  lock: LockClaim | null;
}

/** Store in a directory of a file system. @param directory absolute path */
export function directoryStore(directory: string, { durable, lock }: StoreOptions): RunStore {
  const place = (name: string) => path.join(directory, name);
  /** Folders that are there, and lead nowhere else. */
  const folders = new Set<string>();
  return {
    publish: (name, chunks, { isSpare } = { isSpare: false }) => {
      // Before a folder is made, too.
      checkGuards(place(name));
      const folder = path.dirname(place(name));
      if (!folders.has(folder)) {
        makeDirectory(folder);
        refuseLeadingOut(directory, folder);
        folders.add(folder);
      }
      const file = createPartialFile(place(name), { lock });
      try {
        for (const chunk of chunks) file.write(chunk);
        return file.commit({ durable: durable && !isSpare, exclusive: true }) ? 'published' : 'was there';
      } finally {
        file.discard();
      }
    },
    read: (name, range) => {
      try {
        return withFileSync(place(name), 'a part of the run', (descriptor, size) => {
          const { offset, length } = range ?? { offset: 0, length: size };
          // Not more memory than there are bytes.
          const bytes = new Uint8Array(Math.min(length, Math.max(0, size - offset) + 1));
          readFully(descriptor, bytes, offset, place(name));
          return bytes;
        });
      } catch (error) {
        if (isMissing(error instanceof Error ? error.cause : undefined)) return null;
        throw error;
      }
    },
    list: (folder) => namesIn(place(folder)).filter((name) => !name.startsWith('.')),
    remove: (name) => {
      if (lock !== null) refuseLost(lock);
      checkGuards(place(name));
      removeFile(place(name));
    },
  };
}
