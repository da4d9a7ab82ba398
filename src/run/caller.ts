import { z } from 'zod';
import { hubSettings } from '../hub/settings.js';
import type { RunContext } from './context.js';
import { eventProgress, type ProgressEvent, silentProgress } from './progress.js';
import { Stopwatch } from './stopwatch.js';
import { withPool } from './with-pool.js';

/** What whoever calls a long computation may hand over beside its options. */
export interface Caller {
  /** Stops the computation, within two seconds; it then rejects with an EigenshardError of the kind 'interrupted'. */
  signal?: AbortSignal | undefined;
  /**
   * Is told of every stage as it begins, advances and ends, and of what a person may want to know. It is called on this
   * thread, some ten times a second for each worker: it should return soon, and not throw.
   */
  onProgress?: ((event: ProgressEvent) => void) | undefined;
  /** Variables that say how the hub is reached (HF_TOKEN, HF_HOME, ...); by default those of the process. */
  environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** When the measured time begins, as `performance.now()` gives it; by default now. */
  startedAt?: number | undefined;
}

/** How `Caller` is checked, of callers without types and of mistyped names. */
export const callerShape = {
  signal: z
    .custom<AbortSignal>((value) => value instanceof AbortSignal, 'expected the signal of an AbortController')
    .optional(),
  onProgress: z
    .custom<NonNullable<Caller['onProgress']>>((value) => typeof value === 'function', 'expected a function')
    .optional(),
  environment: z
    .custom<NonNullable<Caller['environment']>>(
      (value) => typeof value === 'object' && value !== null,
      'expected an object of texts, as process.env',
    )
    .optional(),
  startedAt: z.number().optional(),
};

/** Runs `work` with all that a run needs beside its configuration. @param workers threads of its pool */
export async function withContext<Result>(
  workers: number,
  { signal, onProgress, environment = process.env, startedAt }: Caller,
  work: (context: RunContext) => Promise<Result>,
): Promise<Result> {
  const hub = hubSettings(environment);
  const progress = onProgress === undefined ? silentProgress : eventProgress(onProgress);
  const { note } = progress;
  const stopwatch = new Stopwatch(progress, startedAt);
  return withPool({ workers, signal, note }, (executor) =>
    work({ executor, stopwatch, note, hub, ...(signal === undefined ? {} : { signal }) }),
  );
}
