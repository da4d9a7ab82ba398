import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';

/** Sends a request to a thread and waits for its next message. */
export async function ask<Reply>(thread: Worker, request: unknown): Promise<Reply> {
  const reply = once(thread, 'message');
  thread.postMessage(request);
  const [value] = await reply;
  return value as Reply;
}
