type Listener = (index: number) => void;

/** Choice of an eigenvector, for all parts of the page. */
export class Selection {
  readonly #listeners: Listener[] = [];
  readonly #hidden: number;
  #index: number;

  constructor(hidden: number) {
    this.#hidden = hidden;
    this.#index = hidden - 1;
  }

  get index(): number {
    return this.#index;
  }

  /** Chooses an eigenvector; anything but an index of one is ignored. */
  choose(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.#hidden) return;
    this.#index = index;
    for (const listener of this.#listeners) listener(index);
  }

  /** Calls back at every choice. */
  onChange(listener: Listener): void {
    this.#listeners.push(listener);
  }
}
