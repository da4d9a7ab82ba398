import { RunError } from '../../errors.js';

const ARRIVED = 0;
const ROUND = 1;
const ABORTED = 2;

/** Looks at the round before a thread lets the system suspend it: about 0.1 ms, many times the usual wait. */
const SPINS = 20_000;
/** Time of one suspension, after which a thread looks again. */
const SUSPENSION_MS = 1000;

/** Failure of a thread that another one's failure woke. */
export class AbortedError extends RunError {
  constructor() {
    super('another thread of the eigensolver failed');
  }
}

/** Barrier that `threads` threads pass together, in shared memory. */
export class Barrier {
  /** Bytes of the shared memory that a barrier needs. */
  static readonly BYTES = 3 * Int32Array.BYTES_PER_ELEMENT;
  readonly #cells: Int32Array;
  readonly #threads: number;
  readonly #patience: number;

  /**
   * Joins the barrier in these cells.
   * @param cells three zeros in shared memory
   * @param patience seconds until the other threads are given up. They are counted as suspensions of one second
   *   each, not read from a clock: a stopped process may resume any time later.
   */
  constructor(cells: Int32Array, threads: number, patience: number) {
    this.#cells = cells;
    this.#threads = threads;
    this.#patience = patience;
  }

  /**
   * Waits for the other threads.
   * @throws AbortedError when one of them has aborted; RunError when one does not come
   */
  pass(): void {
    const cells = this.#cells;
    // The round is read first: an abort after that ends it.
    const round = Atomics.load(cells, ROUND);
    this.#checkAborted();
    if (Atomics.add(cells, ARRIVED, 1) === this.#threads - 1) {
      Atomics.store(cells, ARRIVED, 0);
      this.#nextRound();
    } else {
      this.#awaitEnd(round);
      this.#checkAborted();
    }
  }

  /** Makes every thread that waits now, or will, throw an AbortedError. */
  abort(): void {
    Atomics.store(this.#cells, ABORTED, 1);
    this.#nextRound();
  }

  #awaitEnd(round: number): void {
    for (let spin = 0; spin < SPINS; spin++) if (Atomics.load(this.#cells, ROUND) !== round) return;
    for (let suspension = 0; suspension < this.#patience; suspension++) {
      // Had the round ended in between, this would return at once.
      Atomics.wait(this.#cells, ROUND, round, SUSPENSION_MS);
      if (Atomics.load(this.#cells, ROUND) !== round) return;
    }
    throw new RunError(`a thread of the eigensolver did not answer for ${this.#patience} s`);
  }

  #checkAborted(): void {
    if (Atomics.load(this.#cells, ABORTED) === 1) throw new AbortedError();
  }

  #nextRound(): void {
    Atomics.add(this.#cells, ROUND, 1);
    Atomics.notify(this.#cells, ROUND);
  }
}
