import { EigenshardError } from '../errors.js';
import type { Executor } from '../executor/executor.js';
import { ThreadExecutor } from '../executor/threads.js';
import type { Progress } from '../run/progress.js';
import { createProgress } from './progress.js';

/** Runs `work` on a pool of worker threads that Ctrl-C stops. */
export async function withPool(
  workers: number,
  quiet: boolean,
  work: (executor: Executor, progress: Progress, signal: AbortSignal) => Promise<void>,
  shortestStageSeconds = 0,
): Promise<void> {
  const progress = createProgress(process.stderr, quiet, shortestStageSeconds);
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const executor = new ThreadExecutor({ workers, signal: interruption.signal, onRetry: progress.note });
  try {
    await work(executor, progress, interruption.signal);
  } catch (error) {
    throw interruption.signal.aborted ? new EigenshardError('interrupted', 'interrupted') : error;
  } finally {
    process.removeListener('SIGINT', interrupt).removeListener('SIGTERM', interrupt);
    await executor.close();
  }
}
