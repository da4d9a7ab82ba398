import type uPlot from 'uplot';
import { element } from './dom.js';

/** Line that marks an x of a plot, or a band along many, where the plot shows it. */
export class Marker {
  readonly line = element('div', { class: 'marker', hidden: true });
  #ends: readonly [from: number, to: number] | undefined;

  /** Marks another stretch; NaN marks none. */
  mark(ends: readonly [from: number, to: number], plot: uPlot): void {
    this.#ends = ends;
    this.follow(plot);
  }

  /** Number of the x that is marked, or comes first after it; 0 where none is. */
  nearest(values: ArrayLike<number>): number {
    const from = this.#ends?.[0] ?? Number.NaN;
    return Math.max(
      0,
      Array.from(values).findIndex((x) => x >= from),
    );
  }

  /** Moves the line to where its ends are now. */
  follow(plot: uPlot): void {
    if (this.#ends === undefined) return;
    const [from, to] = this.#ends.map((x) => plot.valToPos(x, 'x'));
    const width = plot.over.clientWidth;
    this.line.classList.toggle('band', to! > from!);
    this.line.hidden = !(to! >= 0 && from! <= width);
    const left = Math.max(0, from!);
    this.line.style.left = `${left}px`;
    this.line.style.width = `${Math.max(0, Math.min(width, to!) - left)}px`;
  }
}
