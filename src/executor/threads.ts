import { setMaxListeners } from 'node:events';
import { Piscina } from 'piscina';
import { EigenshardError, fromPlainError, PassingError, type PlainError } from '../errors.js';
import { explained } from '../files/failure-message.js';
import type { DeviceRequest } from '../linalg/backend/device-product.js';
import { connectDevice } from '../linalg/backend/device-thread.js';
import { forbidTelemetry } from '../linalg/onnxruntime.js';
import type { Executor } from './executor.js';
import type { RowsDone, TaskCall, TaskName, Tasks, UnitInput, WorkerSetting } from './tasks.js';

/** Outcome of a task in its thread: failures travel as data, so a rejection can only mean that the thread died. */
export type TaskOutcome = { ok: true; result: unknown } | { ok: false; error: PlainError };

/** Times that a task whose worker thread died is run again before the run fails. */
export const RETRIES_AFTER_DEATH = 2;

/** Size of V8's young generation, which it would let grow to 48 MB in every thread before it collects. */
const YOUNG_GENERATION_MB = 4;

/**
 * Executor of one machine: a Piscina pool of `workers` threads, which are started when they are needed. When `signal`
 * aborts, running tasks end at their next step (what they had not committed is not seen), those that do not are cut off
 * where they stand, and every call rejects as 'interrupted'.
 */
export class ThreadExecutor implements Executor {
  readonly concurrency: number;
  #pool: Piscina | undefined;
  /** The end of the threads that were let go. */
  #ended: Promise<unknown> = Promise.resolve();
  /** Calls under way. */
  #running = 0;
  readonly #filename: string;
  readonly #graceMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onRetry: (message: string) => void;
  readonly #interruption = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  /** Aborts when the grace after an interruption is over. */
  readonly #cutOff = new AbortController();
  /** Who is told of the rows of a call, by its number. */
  readonly #listeners = new Map<number, (done: number) => void>();
  #calls = 0;
  /** Why no thread of the pool lives any more; undefined while they do. */
  #failure: unknown;

  constructor(options: {
    workers: number;
    signal?: AbortSignal | undefined;
    /** Hears when a thread died and its task is tried again. */
    onRetry?: (message: string) => void;
    /** Milliseconds that tasks may take to end by themselves after an interruption; 2,000 by default. */
    graceMs?: number;
    /** Entry of the threads, which tests replace. */
    filename?: string;
  }) {
    this.concurrency = options.workers;
    this.#signal = options.signal;
    this.#graceMs = options.graceMs ?? 2000;
    // Every task listens while it runs; Node takes more than ten listeners for a leak and warns.
    setMaxListeners(0, this.#cutOff.signal);
    if (options.signal?.aborted) this.#interrupt();
    else options.signal?.addEventListener('abort', this.#interrupt, { once: true });
    this.#onRetry = options.onRetry ?? (() => {});
    this.#filename = options.filename ?? new URL('../../workers/main.js', import.meta.url).href;
    forbidTelemetry();
    refuseLostDirectory();
  }

  start(): void {
    this.#threads();
  }

  rest(): void {
    if (this.#running > 0 || this.#pool === undefined) return;
    this.#ended = Promise.all([this.#ended, this.#pool.destroy()]);
    this.#pool = undefined;
  }

  /** The pool, which is started where it has not been. */
  #threads(): Piscina {
    if (this.#pool !== undefined) return this.#pool;
    // The entry is named with each task, not here: a thread that had loaded it only in part when the pool is closed
    // would abort the process (Node 20), and so a thread without a task has nothing to load.
    const pool = new Piscina({
      minThreads: this.concurrency,
      maxThreads: this.concurrency,
      workerData: { interruption: this.#interruption } satisfies WorkerSetting,
      // Piscina's synchronous waiting would stop a worker's event loop, on which onnxruntime's promises settle.
      atomics: 'disabled',
      // Of what tasks make, only the large arrays, which lie outside of V8's heap, live long.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    pool.on('message', (message: RowsDone | DeviceRequest) => {
      if ('port' in message) connectDevice(message);
      // What a call says that is over by now is passed over: its rows have been told.
      else this.#listeners.get(message.call)?.(message.rows);
    });
    // A thread that dies without a task, as one that cannot be started does, is not replaced for ever.
    pool.on('error', (cause) => {
      if (this.#pool !== pool) return;
      this.#failure ??= cause;
      this.#cutOff.abort();
    });
    this.#pool = pool;
    return pool;
  }

  async run<Name extends TaskName>(
    name: Name,
    input: Tasks[Name]['input'],
    onRows?: (done: number) => void,
  ): Promise<Tasks[Name]['result']> {
    for (let deaths = 0; ; ) {
      const outcome = await this.#attempt(name, input, onRows);
      if (outcome instanceof EigenshardError) {
        if (outcome.kind !== 'worker-died' || deaths === RETRIES_AFTER_DEATH) throw outcome;
        deaths++;
        onRows?.(0);
        this.#onRetry(`${outcome.message}; trying again (${deaths} of ${RETRIES_AFTER_DEATH})`);
      } else if (outcome.ok) {
        return outcome.result as Tasks[Name]['result'];
      } else {
        throw fromPlainError(outcome.error);
      }
    }
  }

  async close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#interrupt);
    await Promise.all([this.#ended, this.#pool?.destroy()]);
  }

  readonly #interrupt = (): void => {
    Atomics.store(new Int32Array(this.#interruption), 0, 1);
    setTimeout(() => this.#cutOff.abort(), this.#graceMs).unref();
  };

  async #attempt(
    name: TaskName,
    input: TaskCall['input'],
    onRows: ((done: number) => void) | undefined,
  ): Promise<TaskOutcome | EigenshardError> {
    if (this.#signal?.aborted) return new EigenshardError('interrupted', 'interrupted');
    const number = this.#calls++;
    if (onRows !== undefined) this.#listeners.set(number, onRows);
    const call: TaskCall = { call: onRows === undefined ? null : number, input };
    this.#running++;
    try {
      return await this.#threads().run(call, { filename: this.#filename, name, signal: this.#cutOff.signal });
    } catch (cause) {
      if (this.#signal?.aborted) return new EigenshardError('interrupted', 'interrupted', { cause });
      if (this.#failure !== undefined) return threadsFailed(this.#failure);
      const reason = cause instanceof Error ? cause.message : String(cause);
      const where = taskLabel(name, input);
      return new EigenshardError('worker-died', `a worker thread died during ${where}: ${reason}`, { cause });
    } finally {
      this.#running--;
      this.#listeners.delete(number);
    }
  }
}

/**
 * Refuses to start threads where the working directory was removed: each would die of it.
 *
 * @throws InputError that says what to do
 */
function refuseLostDirectory(): void {
  try {
    process.cwd();
  } catch (error) {
    throw explained(error);
  }
}

/** The failure of a pool that has no threads, which another try would not change. */
function threadsFailed(cause: unknown): EigenshardError {
  const failure = explained(cause);
  if (failure instanceof EigenshardError) return failure;
  return new PassingError(
    `worker threads cannot be started: ${(failure as Error).message}; use fewer workers, or close some programs`,
    { cause },
  );
}

/** Name of a task in messages, with the rows that it is about. */
function taskLabel(name: TaskName, input: unknown): string {
  if (name === 'unit') {
    const { stage, unit } = input as UnitInput;
    return `unit ${unit} of ${stage}`;
  }
  const { rows } = input as { rows?: { first: number; count: number } };
  return rows === undefined ? `${name}` : `${name} of rows ${rows.first} to ${rows.first + rows.count - 1}`;
}
