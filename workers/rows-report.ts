import { parentPort } from 'node:worker_threads';
import type { RowsDone, TaskCall } from '../src/executor/tasks.js';

/** Milliseconds between two reports of a thread. */
const INTERVAL_MS = 100;

/** Counts the rows that a thread's task has done, and reports them some ten times a second, whatever the tasks' size. */
export class RowsReport {
  readonly #post: (message: RowsDone) => void;
  readonly #now: () => number;
  #call: number | null = null;
  #passes = 1;
  #rows = 0;
  #lastPost = Number.NEGATIVE_INFINITY;

  /**
   * @param post sends a message to the coordinator
   * @param now tells the milliseconds since some moment
   */
  constructor(post: (message: RowsDone) => void, now = () => performance.now()) {
    this.#post = post;
    this.#now = now;
  }

  /** Rows of the task that are done. */
  get done(): number {
    return this.#rows;
  }

  /** Begins a task. */
  begin({ call }: Pick<TaskCall, 'call'>): void {
    this.#call = call;
    this.#passes = 1;
    this.#rows = 0;
  }

  /** Says how often the task goes through its rows, where that is not once. */
  ofPasses(passes: number): void {
    this.#passes = passes;
  }

  /** Takes rows that have gone through one pass; of some of their columns, as large a part of them. */
  advance(rows: number): void {
    this.#rows += rows / this.#passes;
    const now = this.#now();
    if (this.#call === null || now - this.#lastPost < INTERVAL_MS) return;
    this.#lastPost = now;
    this.#post({ call: this.#call, rows: Math.floor(this.#rows) });
  }
}

/** Report of this thread. */
export const rowsReport = new RowsReport((message) => parentPort?.postMessage(message));
