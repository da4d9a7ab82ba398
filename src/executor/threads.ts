import { setMaxListeners } from 'node:events';
import { Piscina } from 'piscina';
import type { TaskName, Tasks } from '../../workers/messages.js';
import { EigenshardError, fromPlainError, type PlainError } from '../errors.js';
import type { Executor } from './executor.js';

/** What the worker entry returns: failures travel as data, so a rejection can only mean that the thread died. */
export type TaskOutcome = { ok: true; result: unknown } | { ok: false; error: PlainError };

/** A task whose worker thread died is run again this many times before the run fails. */
export const RETRIES_AFTER_DEATH = 2;

/**
 * The executor of one machine: a Piscina pool of `workers` threads. When `signal` aborts, running tasks are cut
 * off where they stand (what they had not committed is not seen) and every call rejects as 'interrupted'.
 */
export class ThreadExecutor implements Executor {
  readonly concurrency: number;
  readonly #pool: Piscina;
  readonly #filename: string;
  readonly #signal: AbortSignal | undefined;
  readonly #onRetry: (message: string) => void;

  constructor(options: {
    workers: number;
    signal?: AbortSignal | undefined;
    /** Told when a thread died and its task is tried again. */
    onRetry?: (message: string) => void;
    /** The worker entry; another one in tests. */
    filename?: string;
  }) {
    this.concurrency = options.workers;
    this.#signal = options.signal;
    // Every task listens while it runs; Node takes more than ten listeners for a leak and warns.
    if (options.signal !== undefined) setMaxListeners(0, options.signal);
    this.#onRetry = options.onRetry ?? (() => {});
    this.#filename = options.filename ?? new URL('../../workers/main.js', import.meta.url).href;
    // The entry is named with each task, not here: a thread that had loaded it only in part when the pool is closed
    // would abort the process (Node 20), and so a thread without a task has nothing to load.
    this.#pool = new Piscina({
      minThreads: options.workers,
      maxThreads: options.workers,
      // Piscina's synchronous waiting would stop a worker's event loop, on which onnxruntime's promises settle.
      atomics: 'disabled',
    });
  }

  async run<Name extends TaskName>(name: Name, input: Tasks[Name]['input']): Promise<Tasks[Name]['result']> {
    for (let deaths = 0; ; ) {
      const outcome = await this.#attempt(name, input);
      if (outcome instanceof EigenshardError) {
        if (outcome.kind !== 'worker-died' || deaths === RETRIES_AFTER_DEATH) throw outcome;
        deaths++;
        this.#onRetry(`${outcome.message}; trying again (${deaths} of ${RETRIES_AFTER_DEATH})`);
      } else if (outcome.ok) {
        return outcome.result as Tasks[Name]['result'];
      } else {
        throw fromPlainError(outcome.error);
      }
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #attempt(name: TaskName, input: unknown): Promise<TaskOutcome | EigenshardError> {
    try {
      return await this.#pool.run(input, { filename: this.#filename, name, signal: this.#signal ?? null });
    } catch (cause) {
      if (this.#signal?.aborted) return new EigenshardError('interrupted', 'interrupted', { cause });
      const reason = cause instanceof Error ? cause.message : String(cause);
      const where = describeTask(name, input);
      return new EigenshardError('worker-died', `a worker thread died during ${where}: ${reason}`, { cause });
    }
  }
}

/** Every failure of a task says which rows it was about. */
function describeTask(name: TaskName, input: unknown): string {
  const { rows } = input as { rows?: { first: number; count: number } };
  return rows === undefined ? `${name}` : `${name} of rows ${rows.first} to ${rows.first + rows.count - 1}`;
}
