import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { RunError } from '../errors.js';
import { beginHeartbeat } from './heartbeat.js';
import {
  createLockFile,
  identityOf,
  type LockClaim,
  ownerOf,
  readLockFile,
  removeLockFile,
} from './lock-file.js';
import { type ProcessIdentity, type Standing, standingOf, thisProcess } from './process-identity.js';

/** Seconds between two heartbeats. */
export const BEAT_SECONDS = 5;

/** A lock file that this process holds, with its heartbeat. */
export class Lock {
  readonly claim: LockClaim;
  readonly #endHeartbeat: () => void;

  private constructor(claim: LockClaim, endHeartbeat: () => void) {
    this.claim = claim;
    this.#endHeartbeat = endHeartbeat;
    held.set(claim.owner, this);
  }

  /** Makes `file` a lock of this process; null where there is such a file already. */
  static create(file: string, beatSeconds = BEAT_SECONDS): Lock | null {
    const token = randomBytes(8).toString('hex');
    const claim = { file: path.resolve(file), owner: JSON.stringify({ ...thisProcess, token }) };
    return createLockFile(claim) ? new Lock(claim, beginHeartbeat(claim, beatSeconds)) : null;
  }

  /**
   * Checks that the lock is still held.
   *
   * @throws RunError where another process has taken it over
   */
  check(): void {
    refuseLost(this.claim);
  }

  /** Gives the lock up; does nothing where that was done before, or the lock is lost. */
  release(): void {
    const { file, owner } = this.claim;
    if (!held.delete(owner)) return;
    givenUp.add(owner);
    this.#endHeartbeat();
    removeLockFile(file, (text) => ownerOf(text) === owner);
    givenUp.delete(owner);
  }
}

/** The locks that this thread holds, by their owner's line. Those of other threads are found as those of a process. */
const held = new Map<string, Lock>();

/** Owners' lines of locks that this thread has given up, whose files the system has not let it remove. */
const givenUp = new Set<string>();

/** A lock file as it was found, and what can be said of the process that made it. */
export interface FoundLock {
  /** The whole file, with the count of heartbeats: another text means a living holder. */
  text: string;
  /** The process that made it; null where the file does not say. */
  holder: ProcessIdentity | null;
  standing: Standing;
}

/** Looks at a lock file; null where there is none. */
export function findLock(file: string): FoundLock | null {
  const text = readLockFile(file);
  if (text === null) return null;
  const owner = ownerOf(text);
  const holder = identityOf(owner);
  if (holder === null) return { text, holder, standing: 'unknown' };
  if (givenUp.has(owner)) return { text, holder, standing: 'gone' };
  return { text, holder, standing: held.has(owner) ? 'living' : standingOf(holder) };
}

/** Names a holder to a person. */
export function holderText(holder: ProcessIdentity | null): string {
  return holder === null ? 'an unknown process' : `process ${holder.pid} on ${holder.host}`;
}

/**
 * Checks that a lock is still this process's. One that was stopped, or cut off from the lock file, may find that
 * another process has taken it for dead: then it must not publish anything any more.
 *
 * @throws RunError where the lock is lost
 */
export function refuseLost({ file, owner }: LockClaim): void {
  const text = readLockFile(file);
  if (text !== null && ownerOf(text) === owner) return;
  const what =
    text === null
      ? 'is gone, removed by hand or by a process that took it over and has finished since'
      : `was taken over by ${holderText(identityOf(ownerOf(text)))}`;
  throw new RunError(
    `${file}: this process's lock ${what}; was this process stopped, or cut off from its disk, for a minute or more? ` +
      'It ends here, and has published nothing since',
  );
}

/** Finds the lock that this thread holds of the nearest directory above a file; null where there is none. */
export function lockAbove(file: string): LockClaim | null {
  let nearest: LockClaim | null = null;
  for (const { claim } of held.values()) {
    if (path.basename(claim.file) !== DIRECTORY_LOCK) continue;
    const isAbove = path.resolve(file).startsWith(path.dirname(claim.file) + path.sep);
    if (isAbove && claim.file.length > (nearest?.file.length ?? 0)) nearest = claim;
  }
  return nearest;
}

/** The name of the lock of a directory and all that is in it. */
export const DIRECTORY_LOCK = '.eigenshard.lock';
