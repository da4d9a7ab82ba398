import { Worker } from 'node:worker_threads';
import type { LockClaim } from './lock-file.js';

/** Tells the heartbeat's thread to beat for a lock every so many seconds, or, with null, no longer. */
export interface HeartbeatOrder {
  claim: LockClaim;
  seconds: number | null;
}

/** V8 reserves less for a thread that does next to nothing. */
const LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 };

let thread: Worker | undefined;

/**
 * Begins the heartbeat of a lock. A thread of its own beats for all locks of the process: the main thread may work
 * for a minute and more without looking at its timers, as a product of two large matrices does. It costs 10 MB of memory
 * and 50 ms of one core, and does not keep the process alive.
 *
 * @returns a function that ends the heartbeat
 */
export function beginHeartbeat(claim: LockClaim, seconds: number): () => void {
  thread ??= startThread();
  tell({ claim, seconds });
  return () => tell({ claim, seconds: null });
}

function tell(order: HeartbeatOrder): void {
  thread?.postMessage(order);
}

function startThread(): Worker {
  const started = new Worker(new URL('./heartbeat-thread.js', import.meta.url), {
    execArgv: [],
    resourceLimits: LIMITS,
  });
  // Its locks are silent from then on, and whoever holds one finds out before publishing whether it was taken over.
  started.on('error', () => {
    thread = undefined;
  });
  started.unref();
  return started;
}
