import { Worker } from 'node:worker_threads';
import { type EigenshardError, fromPlainError, type PlainError, RunError } from '../../errors.js';
import type { KernelVariant } from './kernels.js';
import { packPanel } from './packed-triangle.js';
import { panelsOfSlices, SharedState, slicesOfThread } from './shared-state.js';
import type { ThreadData } from './thread.js';

/** Seconds that the main thread waits for another one. One column of the largest matrices takes a small part of it. */
const PATIENCE = 120;

/** The other threads of one decomposition, which the calling thread leads. */
export class Team {
  readonly shared: SharedState;
  readonly #workers: Worker[] = [];
  readonly #exits: Promise<void>[] = [];
  #failure: EigenshardError | null = null;
  #panels: SharedArrayBuffer[] = [];

  private constructor(n: number, threads: number) {
    this.shared = SharedState.create(n, threads, PATIENCE);
  }

  /** Starts threads - 1 threads, which load what they need and wait for their panels. */
  static start(n: number, threads: number, variant: KernelVariant): Team {
    const team = new Team(n, threads);
    for (let index = 1; index < threads; index++) {
      const { length } = panelsOfSlices(n, slicesOfThread(index, threads));
      const panels = new SharedArrayBuffer(length * 8);
      team.#panels.push(panels);
      team.#startThread({ index, buffers: team.shared.buffers, variant, panels });
    }
    return team;
  }

  /** Lays out the threads' panels of `matrix`, see packPanel; they take them at the first pass of the barrier. */
  sendPanels(matrix: Float64Array, n: number, scale: number): void {
    for (const [k, buffer] of this.#panels.entries()) {
      const values = new Float64Array(buffer);
      const slices = slicesOfThread(k + 1, this.shared.buffers.threads);
      for (const { panel, offset, length } of panelsOfSlices(n, slices).panels) {
        packPanel(matrix, n, scale, panel, values.subarray(offset, offset + length));
      }
    }
    this.#panels = [];
  }

  /** Tells the threads that there is nothing more to do, and waits for their end. */
  async finish(): Promise<void> {
    this.shared.problem[0] = 0;
    this.shared.barrier.pass();
    await Promise.all(this.#exits);
  }

  /** Ends the threads after a failure, wherever they are. @returns the failure that came first */
  async abandon(error: unknown): Promise<unknown> {
    this.shared.barrier.abort();
    await Promise.all(this.#exits);
    return this.#failure ?? error;
  }

  #startThread(data: ThreadData): void {
    const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: data });
    worker.on('message', (error: PlainError) => this.#fail(fromPlainError(error)));
    worker.on('error', (cause) => {
      this.#fail(new RunError(`a thread of the eigensolver died: ${cause.message}`, { cause }));
    });
    this.#workers.push(worker);
    this.#exits.push(new Promise((resolve) => worker.on('exit', () => resolve())));
  }

  #fail(error: EigenshardError): void {
    // The others fail only because one has aborted; their messages come later.
    this.#failure ??= error;
    this.shared.barrier.abort();
  }
}
