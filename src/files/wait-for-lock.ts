import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { InputError } from '../errors.js';
import { BEAT_SECONDS, DIRECTORY_LOCK, type FoundLock, findLock, holderText, Lock } from './lock.js';
import { removeLockFile } from './lock-file.js';
import { Silence } from './silence.js';

const POLL_MILLISECONDS = 50;

/** Seconds without a beat, twelve of them, after which a holder that cannot be asked is taken for dead. */
const SILENT_SECONDS = 60;

/** Seconds after which a person begins to wonder. */
const NOTED_SECONDS = 1;

/** The refusal of a directory in which another process works. */
export class HeldElsewhereError extends InputError {
  /** Names the process to a person. */
  readonly holder: string;

  constructor(directory: string, holder: string) {
    super(`${directory}: ${holder} is working there. Wait for it, or choose another --out`);
    this.holder = holder;
  }
}

/** Limits of waiting for a lock, and who is told of it. */
export interface LockContext {
  /** Takes a line for a person: what is waited for, and what was taken over. */
  note: (line: string) => void;
  /** Ends the waiting. */
  signal?: AbortSignal | undefined;
  /** Time between two beats of the lock, by default 5 s. */
  beatSeconds?: number;
  /** Time without a beat after which a holder that cannot be asked is taken for dead, by default 60 s. */
  silentSeconds?: number;
}

/**
 * Makes `file` this process's lock as soon as no living process holds it.
 *
 * @param what the holder does, to be told after a second
 */
export async function waitForLock(file: string, what: string, context: LockContext): Promise<Lock> {
  return acquire(file, context, ({ holder }, waited) => {
    if (waited === NOTED_SECONDS * 1000) context.note(`waiting for ${holderText(holder)}: ${what}`);
  });
}

/**
 * Keeps a second process out of a directory. A lock of another machine, whose process cannot be asked whether it
 * lives, is watched until it beats or has been silent for a minute.
 *
 * @throws HeldElsewhereError while another process works there
 */
export async function lockDirectory(directory: string, context: LockContext): Promise<Lock> {
  const file = path.join(directory, DIRECTORY_LOCK);
  return acquire(file, context, ({ holder, standing }, waited) => {
    if (standing === 'living') {
      throw new HeldElsewhereError(directory, holderText(holder));
    }
    if (standing === 'unknown' && waited === 0) {
      const seconds = context.silentSeconds ?? SILENT_SECONDS;
      context.note(
        `${directory}: locked by ${holderText(holder)}; to be taken over when it gives no sign of life for ${seconds} s`,
      );
    }
  });
}

/**
 * Makes `file` this process's lock, when it is free or its holder is dead.
 *
 * @param onHeld is told each time that the lock is another one's, and how many milliseconds were waited by then
 */
async function acquire(
  file: string,
  context: LockContext,
  onHeld: (found: FoundLock, waited: number) => void,
): Promise<Lock> {
  const { note, signal, beatSeconds = BEAT_SECONDS, silentSeconds = SILENT_SECONDS } = context;
  const silence = new Silence();
  for (let waited = 0; ; waited += POLL_MILLISECONDS) {
    const lock = Lock.create(file, beatSeconds);
    if (lock !== null) return lock;
    const found = findLock(file);
    if (found !== null) {
      if (found.standing === 'unknown' && silence.hearsBeat(found.text, performance.now())) {
        found.standing = 'living';
      }
      onHeld(found, waited);
      const isSilent = found.standing === 'unknown' && silence.seconds >= silentSeconds;
      if ((found.standing === 'gone' || isSilent) && (await remove(file, found, context)) && isSilent) {
        note(`${file}: taken over from ${holderText(found.holder)}, which was silent for ${silentSeconds} s`);
      }
    }
    await delay(POLL_MILLISECONDS, undefined, signal === undefined ? {} : { signal });
  }
}

/**
 * Removes a dead process's lock. Others may be about to do the same, and one of them may have made it its own since it
 * was found dead: only who holds a lock for that removes it, and only while it is what was found.
 */
async function remove(file: string, { text }: FoundLock, context: LockContext): Promise<boolean> {
  const removal = await waitForLock(`${file}.removal`, `it removes ${file}`, context);
  try {
    return removeLockFile(file, (now) => now === text);
  } finally {
    removal.release();
  }
}
