import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { afterCleanUp } from './clean-up.js';
import type { ProcessIdentity } from './process-identity.js';
import { readTextIfThere } from './read-text.js';
import { removeFile } from './remove-file.js';
import { asOutputError } from './write-error.js';

/** A lock that a process holds, as plain data, with which its other threads can check it too. */
export interface LockClaim {
  file: string;
  /** First line of the lock file: the holder's identity, and a token that no other lock has. */
  owner: string;
}

/** A count of fixed width, so that a beat never changes the file's length. */
const BEAT_DIGITS = 10;

/**
 * Makes a lock file: its owner's line, then a line with the heartbeats counted. Only exclusive creation is asked of the
 * file system, because many that are mounted over a network have no hard links. A kill between creating and writing
 * leaves an empty file, a lock without an owner.
 *
 * @returns false where there is a file already
 */
export function createLockFile({ file, owner }: LockClaim): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw asOutputError(error, file);
  }
  try {
    try {
      writeSync(descriptor, `${owner}\n${beatText(0)}\n`);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw afterCleanUp(asOutputError(error, file), () => removeFile(file));
  }
  return true;
}

/** Reads a lock file; null where there is none. */
export function readLockFile(file: string): string | null {
  return readTextIfThere(file, 'the lock');
}

/**
 * Removes a lock file where what it says is what `isExpected` expects.
 *
 * @returns whether it was
 */
export function removeLockFile(file: string, isExpected: (text: string) => boolean): boolean {
  const text = readLockFile(file);
  if (text === null || !isExpected(text)) return false;
  removeFile(file);
  return true;
}

/** Takes the owner's line out of a lock file's text. */
export function ownerOf(text: string): string {
  return text.split('\n', 1)[0]!;
}

/** Reads an owner's line; null where it is not such a line, as that of a file that was left empty. */
export function identityOf(owner: string): ProcessIdentity | null {
  try {
    const { pid, host, system, started } = JSON.parse(owner) as ProcessIdentity;
    const isIdentity =
      Number.isInteger(pid) && [host, system, started].every((part) => typeof part === 'string');
    return isIdentity ? { pid, host, system, started } : null;
  } catch {
    return null;
  }
}

/**
 * Counts one more heartbeat. The owner's line is read through the descriptor that is written through: where another
 * process has made a file of its own there by now, that one is not written.
 *
 * @returns false where the lock is lost
 */
export function beat({ file, owner }: LockClaim): boolean {
  const descriptor = openSync(file, 'r+');
  try {
    const expected = Buffer.from(`${owner}\n`);
    const found = Buffer.alloc(expected.length + BEAT_DIGITS);
    readSync(descriptor, found, 0, found.length, 0);
    if (!found.subarray(0, expected.length).equals(expected)) return false;
    const count = Number(found.subarray(expected.length).toString('latin1'));
    writeSync(descriptor, beatText(count + 1), expected.length);
    return true;
  } finally {
    closeSync(descriptor);
  }
}

function beatText(count: number): string {
  return String(count).padStart(BEAT_DIGITS, '0');
}
