import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { InputError } from '../errors.js';
import { withCleanUp } from './clean-up.js';
import { fileSystemTypes } from './file-system-types.js';
import { findLock, Lock } from './lock.js';
import { beat } from './lock-file.js';
import { asInputError } from './read-error.js';
import { asOutputError } from './write-error.js';

/** What was tried of a file system, in this order. */
export const abilities = [
  'folder',
  'exclusiveCreation',
  'renameOver',
  'fileSync',
  'folderSync',
  'lock',
  'hardLinks',
] as const;

/** Something that eigenshard, or another program beside it, asks of a file system. */
export type Ability = (typeof abilities)[number];

/** What a file system can do, as it was tried from one machine. */
export interface FileSystemFindings {
  /** Path of the folder, absolute and without links. */
  directory: string;
  /** Machine that tried it. */
  host: string;
  /** Name of the file system; null where the system has a number without one. */
  type: string | null;
  /** Free space as the system says it, which a quota may cut; null where it says nothing. */
  freeBytes: number | null;
  /** Of each ability, what is wrong with it; null where it works. */
  problems: Record<Ability, string | null>;
  /** Median time to make a file of 4 kB and wait until it is on the disk; null where that fails. */
  syncMilliseconds: number | null;
  /** By how much the times that the file system gives its files are ahead of this host's clock; null where none are given. */
  clockSeconds: number | null;
}

const SYNCS = 9;
const SYNCED = Buffer.alloc(4096);
/** Renames that a reader watches: some dozens of milliseconds on a local disk. */
const RENAMES = 50;

/**
 * Tries what a file system can do, in a folder of its own below `directory`, which it removes again.
 *
 * @throws InputError where there is no such directory; RunError where the folder cannot be removed
 */
export async function probeFileSystem(directory: string): Promise<FileSystemFindings> {
  const real = realDirectory(directory);
  const found = { directory: real, host: hostname(), ...spaceOf(real) };
  let scratch: string;
  try {
    scratch = mkdtempSync(path.join(real, '.eigenshard-doctor-'));
  } catch (error) {
    const untried = Object.fromEntries(abilities.map((ability) => [ability, 'not tried']));
    const problems = { ...(untried as Record<Ability, string>), folder: reasonOf(error) };
    return { ...found, problems, syncMilliseconds: null, clockSeconds: null };
  }
  return withCleanUp(
    async () => ({
      ...found,
      problems: {
        folder: null,
        exclusiveCreation: problemOf(() => tryExclusiveCreation(path.join(scratch, 'exclusive'))),
        renameOver: await tryRename(scratch).catch(reasonOf),
        fileSync: problemOf(() => writeSynced(path.join(scratch, 'synced'))),
        folderSync: problemOf(() => syncFolder(scratch)),
        lock: problemOf(() => tryLock(path.join(scratch, 'lock'))),
        hardLinks: problemOf(() => tryLink(scratch)),
      },
      syncMilliseconds: measured(() => syncMilliseconds(scratch)),
      clockSeconds: measured(() => clockSeconds(path.join(scratch, 'clock'))),
    }),
    () => removeFolder(scratch),
  );
}

function realDirectory(directory: string): string {
  try {
    const real = realpathSync(directory);
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    throw asInputError(error, directory, 'the directory');
  }
  throw new InputError(`${directory}: is a file; give a directory`);
}

function spaceOf(directory: string): Pick<FileSystemFindings, 'type' | 'freeBytes'> {
  try {
    const { type, blocks, bavail, bsize } = statfsSync(directory);
    return { type: fileSystemTypes.get(type) ?? null, freeBytes: blocks === 0 ? null : bavail * bsize };
  } catch {
    return { type: null, freeBytes: null };
  }
}

/** What is wrong where something is tried that says it or throws it; null where nothing is. */
function problemOf(attempt: () => string | null): string | null {
  try {
    return attempt();
  } catch (error) {
    return reasonOf(error);
  }
}

function measured(measure: () => number): number | null {
  try {
    return measure();
  } catch {
    return null;
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

function tryExclusiveCreation(file: string): string | null {
  closeSync(openSync(file, 'wx'));
  try {
    closeSync(openSync(file, 'wx'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null;
    throw error;
  }
  return 'a second exclusive creation of a file succeeds too';
}

/** Renames files over one that is being read meanwhile: whoever reads must find one of them, whole. */
async function tryRename(scratch: string): Promise<string | null> {
  const target = path.join(scratch, 'renamed');
  const texts = ['a', 'b'].map((letter) => letter.repeat(SYNCED.length));
  await writeFile(target, texts[0]!);
  let isRenaming = true;
  const renaming = async () => {
    try {
      for (let k = 1; k <= RENAMES; k++) {
        const source = path.join(scratch, `rename-${k}`);
        await writeFile(source, texts[k % 2]!);
        await rename(source, target);
      }
    } finally {
      isRenaming = false;
    }
  };
  const reading = async () => {
    while (isRenaming) {
      if (!texts.includes(await readFile(target, 'latin1'))) return 'a reader finds a part of the file';
    }
    return null;
  };
  const [renamed, read] = await Promise.allSettled([renaming(), reading()]);
  if (renamed.status === 'rejected') return reasonOf(renamed.reason);
  if (read.status === 'fulfilled') return read.value;
  return `a reader finds no file meanwhile (${reasonOf(read.reason)})`;
}

function writeSynced(file: string): null {
  const descriptor = openSync(file, 'w');
  try {
    writeSync(descriptor, SYNCED);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return null;
}

function syncFolder(folder: string): null {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return null;
}

/** Takes, holds, beats and gives up the lock of a run: the very code that runs use. */
function tryLock(file: string): string | null {
  const lock = Lock.create(file);
  if (lock === null) return 'a lock that nobody has cannot be taken';
  try {
    if (Lock.create(file) !== null) return 'two can hold one lock';
    const before = findLock(file);
    if (before?.standing !== 'living') return 'a held lock is not found again';
    if (!beat(lock.claim) || findLock(file)?.text === before.text)
      return 'the heartbeat of a lock is not seen';
  } finally {
    lock.release();
  }
  return findLock(file) === null ? null : 'a lock that was given up stays';
}

function tryLink(scratch: string): string | null {
  const [first, second] = ['linked', 'link'].map((name) => path.join(scratch, name)) as [string, string];
  closeSync(openSync(first, 'wx'));
  linkSync(first, second);
  const { nlink } = statSync(first);
  return nlink === 2 ? null : `a file with two names counts ${nlink}`;
}

function syncMilliseconds(scratch: string): number {
  const times = Array.from({ length: SYNCS }, (_, k) => {
    const begun = performance.now();
    writeSynced(path.join(scratch, `timed-${k}`));
    return performance.now() - begun;
  });
  return times.toSorted((a, b) => a - b)[(SYNCS - 1) / 2]!;
}

/** What lies between the clock before and after the writing is no difference. */
function clockSeconds(file: string): number {
  const before = Date.now();
  writeSynced(file);
  const after = Date.now();
  const { mtimeMs } = statSync(file);
  return (mtimeMs - Math.min(after, Math.max(before, mtimeMs))) / 1000;
}

function removeFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    throw asOutputError(error, folder);
  }
}
