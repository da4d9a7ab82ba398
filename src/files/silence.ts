import { ownerOf } from './lock-file.js';

/** Milliseconds between two looks at a lock file that count as listened, at most. */
const LONGEST_STEP = 1000;

/**
 * Measures how long the holder of a lock has not beaten, by the listener's own clock alone: those of two machines
 * differ, and one may be set.
 */
export class Silence {
  #text: string | null = null;
  #heardAt = 0;
  #milliseconds = 0;

  get seconds(): number {
    return this.#milliseconds / 1000;
  }

  /**
   * Listens once more.
   *
   * @param text that the lock file says now
   * @param now in milliseconds, by a clock that nobody sets
   * @returns whether the holder has beaten since the last time
   */
  hearsBeat(text: string, now: number): boolean {
    const former = this.#text;
    // A listener that was itself stopped for an hour has listened for no longer than one step.
    this.#milliseconds =
      text === former ? this.#milliseconds + Math.min(now - this.#heardAt, LONGEST_STEP) : 0;
    this.#text = text;
    this.#heardAt = now;
    return former !== null && text !== former && ownerOf(text) === ownerOf(former);
  }
}
