import { EigenshardError } from '../errors.js';
import type { Executor } from '../executor/executor.js';
import { ThreadExecutor } from '../executor/threads.js';

/** What a pool of worker threads is made of. */
export interface PoolOptions {
  workers: number;
  /** Stops what the pool does. */
  signal?: AbortSignal | undefined;
  /** Is told when a thread died and its task is tried again. */
  note: (line: string) => void;
}

/**
 * Runs `work` on a pool of worker threads, which ends with it.
 * @throws EigenshardError of the kind 'interrupted' where the signal has aborted, whatever came of it
 */
export async function withPool<Result>(
  { workers, signal, note }: PoolOptions,
  work: (executor: Executor) => Promise<Result>,
): Promise<Result> {
  const executor = new ThreadExecutor({ workers, signal, onRetry: note });
  try {
    return await work(executor);
  } catch (error) {
    throw signal?.aborted ? new EigenshardError('interrupted', 'interrupted') : error;
  } finally {
    await executor.close();
  }
}
