import { setTimeout as delay } from 'node:timers/promises';
import { PassingError } from '../errors.js';
import type { RetrySettings } from './settings.js';

/** A failure that may be gone a moment later: an overloaded server, a cut connection. */
export class PassingFailure extends Error {
  /** Time for which the server wants to be left alone; null where it does not say. */
  readonly retryAfterSeconds: number | null;

  constructor(message: string, options: { cause?: unknown; retryAfterSeconds?: number | null } = {}) {
    super(message, { cause: options.cause });
    this.name = 'PassingFailure';
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

/** Limits of trying again, and who is told of it. */
export interface RetryContext {
  retry: RetrySettings;
  /** Takes a line for a person, of a wait that one would wonder about. */
  note: (line: string) => void;
  /** Ends the waiting. */
  signal?: AbortSignal | undefined;
}

/** Waits longer than this are told. */
const NOTED_SECONDS = 5;

/**
 * Bytes a second below which an answer does not count as coming: a server that sends a byte every few seconds would
 * otherwise never be given up. Six connections of that rate are 48 kbit/s, over which nobody waits for a model.
 */
export const LEAST_BYTES_PER_SECOND = 1000;

/**
 * Calls `attempt` again after a PassingFailure: after `firstSeconds`, then twice as long each time, with jitter, and
 * no earlier than the server asks for, but never longer than `longestSeconds`. An attempt that brought bytes, and no
 * fewer than LEAST_BYTES_PER_SECOND, starts the count anew.
 *
 * @param what is done, for the message: 'downloading X'
 * @param progress bytes that are here by now; without it no attempt brings any
 * @throws PassingError when `attempts` have failed without progress; any other error at once
 */
export async function withRetries<T>(
  what: string,
  { retry, note, signal }: RetryContext,
  attempt: () => Promise<T>,
  progress: () => number = () => 0,
): Promise<T> {
  for (let failed = 1; ; failed++) {
    const before = { bytes: progress(), at: performance.now() };
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof PassingFailure)) throw error;
      const bytes = progress() - before.bytes;
      const seconds = (performance.now() - before.at) / 1000;
      if (bytes > 0 && bytes >= seconds * LEAST_BYTES_PER_SECOND) failed = 1;
      if (failed >= retry.attempts) {
        throw new PassingError(
          `${what}: given up after ${failed} attempts: ${error.message}; try again later, what has been downloaded is kept`,
          { cause: error },
        );
      }
      const wait = waitSeconds(retry, failed, error.retryAfterSeconds, Math.random());
      if (wait >= NOTED_SECONDS) note(`${what}: ${error.message}; trying again in ${Math.ceil(wait)} s`);
      await delay(wait * 1000, undefined, signal === undefined ? {} : { signal });
    }
  }
}

/**
 * Computes the seconds to wait after `failed` attempts.
 *
 * @param jitter from [0, 1): many clients that failed at once do not come back at once
 */
export function waitSeconds(
  { firstSeconds, longestSeconds }: RetrySettings,
  failed: number,
  retryAfterSeconds: number | null,
  jitter: number,
): number {
  const backOff = firstSeconds * 2 ** (failed - 1) * (0.5 + jitter / 2);
  return Math.min(longestSeconds, Math.max(backOff, (retryAfterSeconds ?? 0) * (1 + jitter / 10)));
}
