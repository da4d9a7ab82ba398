import { availableParallelism, cpus } from 'node:os';
import type { Progress, Unit } from '../commands/progress.js';
import type { Manifest } from '../output/manifest.js';

/** Times the stages of a run, shows them, and reports what the run took. */
export class Stopwatch {
  readonly #progress: Progress;
  readonly #seconds: Record<string, number> = {};

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  /** Runs a stage of `total` units (undefined: nothing to count); `work` reports them as they are done. */
  async time<T>(
    stage: string,
    total: number | undefined,
    work: (advance: (count: number) => void) => Promise<T>,
    unit: Unit = 'rows',
  ): Promise<T> {
    const shown = this.#progress.stage(stage, total, unit);
    try {
      return await work((count) => shown.advance(count));
    } finally {
      this.#seconds[stage] = shown.finish();
    }
  }

  /** Seconds of every stage so far, the process's peak memory, and the machine. */
  report(): Pick<Manifest['execution'], 'seconds' | 'peakMemoryBytes' | 'machine'> {
    return {
      seconds: { ...this.#seconds },
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
