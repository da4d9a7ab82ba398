import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { InputError } from '../errors.js';

const LOCK_NAME = '.eigenshard.lock';

/** The process that holds a lock file. */
export interface Holder {
  pid: number;
  host: string;
}

/** The lock files that this process holds, by absolute path: what a process id cannot tell of itself. */
const held = new Set<string>();

/**
 * Keeps a second coordinator out of an output directory.
 * @returns a function that gives the directory free again
 * @throws InputError while another run works there
 */
export function lockDirectory(directory: string): () => void {
  const file = path.join(directory, LOCK_NAME);
  const claimed = claimFile(file);
  if (typeof claimed === 'function') return claimed;
  throw new InputError(
    `${directory}: process ${claimed.pid} on ${claimed.host} is working there. Wait for it, or choose another --out. ` +
      `If that process is gone, remove ${file}`,
  );
}

/**
 * Makes `file` this process's lock. One whose process of this machine is gone (it was killed) is taken over.
 * @returns a function that gives the lock up, or who holds it
 */
export function claimFile(file: string): (() => void) | Holder {
  const absolute = path.resolve(file);
  for (;;) {
    if (create(absolute)) {
      held.add(absolute);
      return () => {
        if (held.delete(absolute)) rmSync(absolute, { force: true });
      };
    }
    const text = readIfThere(absolute);
    if (text === null) continue;
    const holder = parseHolder(text);
    if (isHeld(absolute, holder)) return holder;
    removeLock(absolute, text);
  }
}

/** Who holds `file`; null where nobody does, or one of this machine that is gone. */
export function holderOf(file: string): Holder | null {
  const absolute = path.resolve(file);
  const text = readIfThere(absolute);
  if (text === null) return null;
  const holder = parseHolder(text);
  return isHeld(absolute, holder) ? holder : null;
}

/**
 * Removes the lock that says `text`, and no other: another process may have taken it over in the meantime, so it is
 * moved away first, and put back where it turns out to be a newer one.
 */
export function removeLock(file: string, text: string): void {
  const aside = `${file}.${process.pid}.aside`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readFileSync(aside, 'utf8') !== text) link(aside, file);
  rmSync(aside);
}

/** Makes the lock appear with its contents at once, so that no reader meets an empty one; false where there is one. */
function create(file: string): boolean {
  const mine = `${file}.${process.pid}`;
  writeFileSync(mine, `${process.pid} ${hostname()}`);
  try {
    return link(mine, file);
  } finally {
    rmSync(mine);
  }
}

/** False where `to` is there already. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function parseHolder(text: string): Holder {
  const [pid, host = ''] = text.split(' ');
  return { pid: Number(pid), host };
}

/** A process of another machine cannot be asked whether it lives: its lock holds. */
function isHeld(file: string, { pid, host }: Holder): boolean {
  if (host !== hostname()) return true;
  return pid === process.pid ? held.has(file) : isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
