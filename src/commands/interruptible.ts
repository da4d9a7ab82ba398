import { EigenshardError, TerminatedError } from '../errors.js';

/**
 * Does something that Ctrl-C, or SIGTERM, is to end in good order: through the signal.
 *
 * @throws TerminatedError where it was SIGTERM that ended it
 */
export async function interruptible<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const interruption = new AbortController();
  let isTerminated = false;
  const interrupt = (signal: NodeJS.Signals) => {
    isTerminated = signal === 'SIGTERM';
    interruption.abort();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await work(interruption.signal);
  } catch (error) {
    const isInterrupted = error instanceof EigenshardError && error.kind === 'interrupted';
    throw isInterrupted && isTerminated ? new TerminatedError({ cause: error }) : error;
  } finally {
    process.removeListener('SIGINT', interrupt).removeListener('SIGTERM', interrupt);
  }
}
