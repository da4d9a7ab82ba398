import { Worker } from 'node:worker_threads';
import { fromPlainError, type PlainError, RunError } from '../../errors.js';
import type { KernelVariant } from '../kernels/eigh-kernels.js';
import { forbidTelemetry } from '../onnxruntime.js';
import { AbortedError } from './barrier.js';
import { packPanel, panelLength, panelsOfThread, type ScaledMatrix } from './packed-triangle.js';
import { SharedState } from './shared-state.js';
import type { ThreadData } from './thread.js';

/** Seconds that the main thread waits for another one at a barrier; even a column of n = 20,000 takes less than one. */
const PATIENCE = 120;

/** Thread that the team has started. */
interface Member {
  /** Panels for the thread, until it has been released: the second copy is not to outlive the loading. */
  panels: SharedArrayBuffer | null;
  /** Settles when the thread has loaded all it needs, or failed. */
  ready: Promise<void>;
  exit: Promise<void>;
}

/** Threads of one decomposition: the calling one, number 0, and those that it leads. */
export class Team {
  readonly shared: SharedState;
  #members: Member[] = [];
  #failure: Error | null = null;

  private constructor(
    readonly n: number,
    readonly threads: number,
    readonly variant: KernelVariant,
  ) {
    this.shared = SharedState.create(n, threads, PATIENCE);
  }

  /** Starts threads - 1 threads, which load what they need. */
  static start(n: number, threads: number, variant: KernelVariant): Team {
    const team = new Team(n, threads, variant);
    for (let index = 1; index < threads; index++) {
      const lengths = panelsOfThread(n, index, threads).map((panel) => panelLength(n, panel));
      const panels = new SharedArrayBuffer(lengths.reduce((sum, length) => sum + length, 0) * 8);
      team.#members.push(team.#startThread({ index, buffers: team.shared.buffers, variant, panels }));
    }
    return team;
  }

  /** Lays out the threads' panels of `matrix`, which they take once they are released. */
  layPanels(matrix: ScaledMatrix): void {
    for (const [k, { panels }] of this.#members.entries()) {
      let offset = 0;
      for (const panel of panelsOfThread(this.n, k + 1, this.threads)) {
        const length = panelLength(this.n, panel);
        packPanel(matrix, panel, new Float64Array(panels!, offset * 8, length));
        offset += length;
      }
    }
  }

  /** Waits until all threads are loaded, and releases them. From then on they wait for each other at the barrier. */
  async release(): Promise<void> {
    await Promise.all(this.#members.map(({ ready }) => ready));
    if (this.#failure) throw this.#failure;
    for (const member of this.#members) member.panels = null;
    this.shared.barrier.pass();
  }

  /** Waits for the threads' end. @throws the failure of the first that failed */
  async finish(): Promise<void> {
    await this.#allExits();
    if (this.#failure) throw this.#failure;
  }

  /** Ends the threads after a failure of this one, wherever they are. @returns the failure at the root of it */
  async abandon(error: unknown): Promise<unknown> {
    this.shared.barrier.abort();
    await this.#allExits();
    return error instanceof AbortedError ? (this.#failure ?? error) : error;
  }

  async #allExits(): Promise<void> {
    await Promise.all(this.#members.map(({ exit }) => exit));
    this.#members = [];
  }

  #startThread(data: ThreadData): Member {
    forbidTelemetry();
    const worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: data });
    const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.on('error', (cause) => {
      this.#failure ??= new RunError(`a thread of the eigensolver died: ${cause.message}`, { cause });
      this.shared.barrier.abort();
    });
    const ready = new Promise<void>((resolve) => {
      worker.on('message', (message: 'ready' | PlainError) => {
        if (message !== 'ready') this.#failure ??= fromPlainError(message);
        resolve();
      });
    });
    return { panels: data.panels, ready: Promise.race([ready, exit]), exit };
  }
}
