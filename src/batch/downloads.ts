import type { Checkpoint } from '../input/checkpoint.js';
import type { PlannedRun } from './batch-plan.js';

/** Brings models here in the order of the runs, one at a time and one ahead. */
export class Downloads {
  readonly #runs: readonly PlannedRun[];
  readonly #signal: AbortSignal;
  readonly #onFinished: (run: PlannedRun, bytes: number, seconds: number) => void;
  readonly #begun = new Map<PlannedRun, Promise<Checkpoint>>();

  /**
   * Begins nothing yet.
   * @param onFinished hears of every download that took place
   */
  constructor(
    runs: readonly PlannedRun[],
    signal: AbortSignal,
    onFinished: (run: PlannedRun, bytes: number, seconds: number) => void,
  ) {
    this.#runs = runs;
    this.#signal = signal;
    this.#onFinished = onFinished;
  }

  /**
   * Takes the checkpoint of `run`. When it is here, the download of the next run that has one begins, beside what the
   * caller does then.
   * @returns undefined where the run makes its checkpoint itself
   * @throws what the download throws
   */
  async take(run: PlannedRun): Promise<Checkpoint | undefined> {
    try {
      return await this.#begin(run);
    } finally {
      const next = this.#runs.slice(this.#runs.indexOf(run) + 1).find((later) => later.bytesToDownload > 0);
      // A failure is the next run's, which will meet it; until then nobody handles it.
      if (next !== undefined) this.#begin(next)?.catch(() => {});
    }
  }

  /** Waits until nothing is being downloaded; who does not want to wait aborts the signal before. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#begun.values());
  }

  #begin(run: PlannedRun): Promise<Checkpoint> | undefined {
    if (run.fetch === null) return undefined;
    let checkpoint = this.#begun.get(run);
    if (checkpoint === undefined) {
      checkpoint = this.#download(run, run.fetch);
      this.#begun.set(run, checkpoint);
    }
    return checkpoint;
  }

  async #download(run: PlannedRun, fetch: NonNullable<PlannedRun['fetch']>): Promise<Checkpoint> {
    const started = performance.now();
    let received = 0;
    const checkpoint = await fetch((bytes) => {
      received += bytes;
    }, this.#signal);
    if (received > 0) this.#onFinished(run, received, (performance.now() - started) / 1000);
    return checkpoint;
  }
}
