import type { Measure } from '../../tables/measures.js';
import type { NeighbourMeasure } from '../../tables/neighbour-measures.js';

/** What the reader looks at. */
export interface Choice {
  /** Index of the eigenvector on show. */
  index: number;
  /** Id of the token whose card is shown; null before one is chosen. */
  token: number | null;
  /** Measure by which the extreme tokens are listed. */
  measure: Measure;
  /** Indices of the eigenvectors across and up the scatter. */
  x: number;
  y: number;
  /** Measure by which the neighbours of the token are listed; null where the page has none. */
  near: NeighbourMeasure | null;
}

/** All parts of a choice. */
export const choiceParts = [
  'index',
  'token',
  'measure',
  'x',
  'y',
  'near',
] as const satisfies readonly (keyof Choice)[];

interface Listener {
  parts: readonly (keyof Choice)[];
  call(choice: Readonly<Choice>): void;
}

/** Choice of the reader, for all parts of the page. */
export class Selection {
  readonly #listeners: Listener[] = [];
  #choice: Readonly<Choice>;

  constructor(choice: Readonly<Choice>) {
    this.#choice = choice;
  }

  get choice(): Readonly<Choice> {
    return this.#choice;
  }

  /** Changes parts of the choice, and calls those who listen to one that differs now. */
  choose(parts: Partial<Choice>): void {
    const before = this.#choice;
    const choice = { ...before, ...parts };
    this.#choice = choice;
    for (const listener of this.#listeners) {
      if (listener.parts.some((part) => choice[part] !== before[part])) listener.call(choice);
    }
  }

  /** Calls back now, and whenever one of these parts has changed. */
  follow(parts: readonly (keyof Choice)[], call: (choice: Readonly<Choice>) => void): void {
    this.#listeners.push({ parts, call });
    call(this.#choice);
  }
}
