import { availableParallelism, cpus } from 'node:os';
import { EigenshardError } from '../errors.js';
import type { Progress, StageEnd, Unit } from './progress.js';

/** What a run took. */
export interface Expense {
  /**
   * Seconds of every stage, which come to those that the run took: it starts up until its first stage begins, a stage
   * counts from where the one before it ended, and of two that go on beside each other the one that began first counts.
   */
  seconds: Record<string, number>;
  /** Seconds from the beginning to now. */
  elapsedSeconds: number;
  /** Of the whole process, with all its threads. */
  peakMemoryBytes: number;
  machine: { processor: string; cores: number; node: string; platform: string };
}

/** Time until the first stage: that of the process, where it was started for the run, and of opening its folder. */
const START_UP = 'start-up';

/** Times the stages of a run, shows them, and reports what the run took. */
export class Stopwatch {
  readonly #progress: Progress;
  readonly #started: number;
  readonly #seconds: Record<string, number> = {};
  /** Stages that go on, in the order in which they began. */
  readonly #open: { stage: string }[] = [];
  #hasBegun = false;
  /** Up to when all time is counted. */
  #counted: number;

  /**
   * @param progress is told of every stage
   * @param started when the time of the run begins, as `performance.now()` gives it: 0 is the start of the process
   */
  constructor(progress: Progress, started = performance.now()) {
    this.#progress = progress;
    this.#started = started;
    this.#counted = started;
  }

  /** Runs a stage of `total` units (undefined: nothing to count); `work` reports them as they are done. */
  async time<T>(
    stage: string,
    total: number | undefined,
    work: (advance: (count: number) => void) => Promise<T>,
    unit: Unit = 'rows',
  ): Promise<T> {
    const shown = this.#progress.stage(stage, total, unit);
    const open = this.#begin(stage);
    const end = (how: StageEnd) => {
      shown.end(how);
      this.#count(performance.now());
      this.#open.splice(this.#open.indexOf(open), 1);
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

  /** What the run has taken so far, stages that go on included. */
  report(): Expense {
    const now = performance.now();
    this.#count(now);
    return {
      seconds: { ...this.#seconds },
      elapsedSeconds: (now - this.#started) / 1000,
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

  #begin(stage: string): { stage: string } {
    const open = { stage };
    // What was done since the last stage ended was done for this one, and what before the first, to start up.
    if (!this.#hasBegun) this.#count(performance.now());
    this.#hasBegun = true;
    this.#seconds[stage] ??= 0;
    this.#open.push(open);
    return open;
  }

  /** Counts the time up to now: for the stage that began first of those that go on, or for the start. */
  #count(now: number): void {
    const stage = this.#open[0]?.stage ?? (this.#hasBegun ? undefined : START_UP);
    // Between two stages it is left to the next.
    if (stage === undefined) return;
    this.#seconds[stage] = (this.#seconds[stage] ?? 0) + (now - this.#counted) / 1000;
    this.#counted = now;
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
