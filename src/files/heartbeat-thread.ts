import { parentPort } from 'node:worker_threads';
import type { HeartbeatOrder } from './heartbeat.js';
import { beat } from './lock-file.js';

const timers = new Map<string, NodeJS.Timeout>();

function stop(owner: string): void {
  clearInterval(timers.get(owner));
  timers.delete(owner);
}

parentPort?.on('message', ({ claim, seconds }: HeartbeatOrder) => {
  stop(claim.owner);
  if (seconds === null) return;
  const timer = setInterval(() => {
    try {
      if (!beat(claim)) stop(claim.owner);
    } catch {
      // Removed, or out of reach for now: the holder finds out itself before it publishes anything.
    }
  }, seconds * 1000);
  timers.set(claim.owner, timer);
});
