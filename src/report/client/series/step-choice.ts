import { byId } from '../dom.js';

/** Choice of a step by its slider, by the list of runs, or by a plot. */
export class StepChoice {
  readonly #slider = byId<HTMLInputElement>('step');
  readonly #list = byId<HTMLSelectElement>('step-name');
  readonly #listeners: ((step: number) => void)[] = [];

  constructor() {
    for (const control of [this.#slider, this.#list])
      control.addEventListener('input', () => this.choose(Number(control.value)));
  }

  choose(step: number): void {
    this.#slider.value = String(step);
    this.#list.value = String(step);
    // A number alone would not say which run it is.
    this.#slider.setAttribute('aria-valuetext', this.#list.selectedOptions[0]?.textContent ?? '');
    for (const call of this.#listeners) call(step);
  }

  /** Calls back whenever a step is chosen. */
  follow(call: (step: number) => void): void {
    this.#listeners.push(call);
  }
}
