import { statSync, utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { RetryContext } from '../hub/retry.js';
import { claimFile, type Holder, removeLock } from './lock.js';

const POLL_MILLISECONDS = 50;

/** A holder says so often that it lives, */
const HEARTBEAT_SECONDS = 5;

/** and one of another machine, which cannot be asked, is taken for dead when nothing was heard for so long. */
const SILENT_SECONDS = 60;

/**
 * Makes `file` this process's lock as soon as nobody else has it.
 *
 * @param what is waited for, to be told after a second
 * @param silentSeconds after which a holder on another machine is taken for dead
 * @returns a function that gives the lock up
 */
export async function waitForLock(
  file: string,
  what: string,
  { note, signal }: Pick<RetryContext, 'note' | 'signal'>,
  silentSeconds = SILENT_SECONDS,
): Promise<() => void> {
  let heard = { beat: Number.NaN, at: 0 };
  for (let polls = 0; ; polls++) {
    const claimed = claimFile(file);
    if (typeof claimed === 'function') return withHeartbeat(file, claimed);
    if (polls * POLL_MILLISECONDS === 1000) {
      note(`waiting for process ${claimed.pid} on ${claimed.host}: ${what}`);
    }
    heard = listen(file, claimed, heard, silentSeconds);
    await delay(POLL_MILLISECONDS, undefined, signal === undefined ? {} : { signal });
  }
}

/** Our own clock alone is looked at: those of two machines differ. */
function listen(
  file: string,
  { pid, host }: Holder,
  heard: { beat: number; at: number },
  silentSeconds: number,
) {
  if (host === hostname()) return heard;
  const beat = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN;
  if (beat !== heard.beat) return { beat, at: performance.now() };
  if (performance.now() - heard.at > silentSeconds * 1000) removeLock(file, `${pid} ${host}`);
  return heard;
}

function withHeartbeat(file: string, release: () => void): () => void {
  const beat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(file, now, now);
    } catch {
      // Somebody took it for dead: then both download the same bytes to the same places.
    }
  }, HEARTBEAT_SECONDS * 1000);
  beat.unref();
  return () => {
    clearInterval(beat);
    release();
  };
}
