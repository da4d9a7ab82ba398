import type uPlot from 'uplot';
import { moved, type Window, zoomed } from './plot-window.js';

/** Number of x that a long step goes over. */
const LONG_STEP = 10;

/** What keys find in a plot. */
export interface KeyTargets {
  /** Values at the number of an x, as text. */
  describe(k: number): string;
  /** Hears of the number of the x that is picked. */
  onPick: ((k: number) => void) | undefined;
  /** Number of the x to begin at. */
  start(): number;
}

/**
 * Lets the keyboard do what the pointer does in a plot: arrows move the point whose values stand beneath, Enter picks it,
 * plus and minus enlarge and reduce around it, 0 shows all. A screen reader meets a slider that says those values.
 */
export function listenForKeys(plot: uPlot, { describe, onPick, start }: KeyTargets): void {
  const drawing = plot.root.querySelector<HTMLElement>('.u-wrap')!;
  const last = () => plot.data[0].length - 1;
  const current = () => plot.cursor.idx ?? start();
  const show = (k: number) => {
    const at = Math.min(Math.max(k, 0), last());
    const x = plot.data[0][at]!;
    const { min, max } = plot.scales.x!;
    const shown = moved([min!, max!], x);
    if (shown[0] !== min) setWindow(plot, shown);
    plot.setCursor({ left: plot.valToPos(x, 'x'), top: 1 });
    drawing.setAttribute('aria-valuemax', String(last()));
    drawing.setAttribute('aria-valuenow', String(at));
    drawing.setAttribute('aria-valuetext', describe(at));
  };
  const enlarge = (factor: number) => {
    const { min, max } = plot.scales.x!;
    const x = plot.data[0];
    const at = current();
    setWindow(plot, zoomed([min!, max!], { factor, around: x[at]!, all: [x[0]!, x[last()]!] }));
    show(at);
  };
  const actions: Readonly<Record<string, () => void>> = {
    ArrowRight: () => show(current() + 1),
    ArrowUp: () => show(current() + 1),
    ArrowLeft: () => show(current() - 1),
    ArrowDown: () => show(current() - 1),
    PageUp: () => show(current() + LONG_STEP),
    PageDown: () => show(current() - LONG_STEP),
    Home: () => show(0),
    End: () => show(last()),
    '+': () => enlarge(1 / 2),
    '=': () => enlarge(1 / 2),
    '-': () => enlarge(2),
    '0': () => enlarge(Number.POSITIVE_INFINITY),
    Enter: () => onPick?.(current()),
  };
  drawing.setAttribute('role', 'slider');
  drawing.setAttribute('tabindex', '0');
  drawing.setAttribute('aria-valuemin', '0');
  drawing.setAttribute('aria-describedby', 'plot-keys');
  drawing.setAttribute('aria-valuenow', '0');
  drawing.addEventListener('focus', () => {
    if (drawing.matches(':focus-visible')) show(start());
  });
  drawing.addEventListener('blur', () => plot.setCursor({ left: -10, top: -10 }));
  drawing.addEventListener('keydown', (event) => {
    const action = actions[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
}

/** Shows a part of x at once, where the point is to be placed next. */
function setWindow(plot: uPlot, [min, max]: Window): void {
  plot.batch(() => plot.setScale('x', { min, max }));
}
