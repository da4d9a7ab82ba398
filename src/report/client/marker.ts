import type uPlot from 'uplot';
import { element } from './dom.js';

/** Line that marks an x of a plot, where the plot shows it. */
export class Marker {
  readonly line = element('div', { class: 'marker', hidden: true });
  #x: number | undefined;

  /** Marks another x. */
  mark(x: number, plot: uPlot): void {
    this.#x = x;
    this.follow(plot);
  }

  /** Moves the line to where its x is now. */
  follow(plot: uPlot): void {
    if (this.#x === undefined) return;
    const left = plot.valToPos(this.#x, 'x');
    this.line.hidden = !(left >= 0 && left <= plot.over.clientWidth);
    this.line.style.left = `${left}px`;
  }
}
