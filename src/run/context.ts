import type { Executor } from '../executor/executor.js';
import type { HubSettings } from '../hub/settings.js';
import type { Stopwatch } from './stopwatch.js';

/** What a run needs beside its configuration. */
export interface RunContext {
  executor: Executor;
  stopwatch: Stopwatch;
  /** Shows a line to the person who watches. */
  note: (line: string) => void;
  /** Where models that are no path come from. */
  hub: HubSettings;
  /** Stops a download; the executor has its own. */
  signal?: AbortSignal;
}
