import { availableParallelism, cpus } from 'node:os';
import { EigenshardError } from '../errors.js';
import type { Progress, StageEnd, Unit } from './progress.js';

/** What a run took. */
export interface Expense {
  /** Seconds of every stage; two stages can go on beside each other. */
  seconds: Record<string, number>;
  /** Seconds from the beginning to now. */
  elapsedSeconds: number;
  /** Of the whole process, with all its threads. */
  peakMemoryBytes: number;
  machine: { processor: string; cores: number; node: string; platform: string };
}

/** Times the stages of a run, shows them, and reports what the run took. */
export class Stopwatch {
  readonly #progress: Progress;
  readonly #started: number;
  readonly #seconds: Record<string, number> = {};

  /**
   * @param progress is told of every stage
   * @param started when the time of the run begins, as `performance.now()` gives it: 0 is the start of the process
   */
  constructor(progress: Progress, started = performance.now()) {
    this.#progress = progress;
    this.#started = started;
    const before = performance.now() - started;
    if (before > 0) this.#seconds['start-up'] = before / 1000;
  }

  /** Runs a stage of `total` units (undefined: nothing to count); `work` reports them as they are done. */
  async time<T>(
    stage: string,
    total: number | undefined,
    work: (advance: (count: number) => void) => Promise<T>,
    unit: Unit = 'rows',
  ): Promise<T> {
    const shown = this.#progress.stage(stage, total, unit);
    const end = (how: StageEnd) => {
      this.#seconds[stage] = (this.#seconds[stage] ?? 0) + shown.end(how);
    };
    try {
      const result = await work((count) => shown.advance(count));
      end('finished');
      return result;
    } catch (error) {
      end(isInterruption(error) ? 'interrupted' : 'failed');
      throw error;
    }
  }

  /** What the run has taken so far. */
  report(): Expense {
    return {
      seconds: { ...this.#seconds },
      elapsedSeconds: (performance.now() - this.#started) / 1000,
      // Linux, macOS and Windows all give kibibytes here; all threads are in it.
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      machine: {
        processor: cpus()[0]?.model.trim() ?? 'unknown',
        cores: availableParallelism(),
        node: process.version,
        platform: `${process.platform}-${process.arch}`,
      },
    };
  }
}

/** Whether work ended because it was told to: a download rejects with what its signal gives as the reason. */
function isInterruption(error: unknown): boolean {
  if (error instanceof EigenshardError) return error.kind === 'interrupted';
  return error instanceof Error && error.name === 'AbortError';
}

/** Seconds of all stages together. */
export function totalSeconds(seconds: Readonly<Record<string, number>>): number {
  return Object.values(seconds).reduce((sum, value) => sum + value, 0);
}
