import { placeOf, type ScatterPoint } from './scatter-points.js';

/** Number of points that a long step goes over. */
const LONG_STEP = 10;

/** What keys find in a scatter. */
export interface ScatterTargets {
  /** Points on show. */
  points(): readonly ScatterPoint[];
  /** Number of the point that is ringed. */
  current(): number | null;
  /** Shows the point of a number. @returns what it is, as text */
  show(k: number): string;
  onPick(k: number): void;
  /** Hears that the drawing has lost the focus. */
  leave(): void;
}

/**
 * Lets the keyboard do what the pointer does in a scatter: left and right move to the next point across, up and down to the next
 * one up, Enter picks it. A screen reader meets a slider that names the token.
 */
export function listenForScatterKeys(
  drawing: HTMLElement,
  { points, current, show, onPick, leave }: ScatterTargets,
): void {
  const move = (axis: 'x' | 'y', step: (at: number, last: number) => number) => {
    const all = points();
    const order = Array.from(all, (_, k) => k).sort(
      (a, b) => placeOf(all[a]![axis]) - placeOf(all[b]![axis]) || a - b,
    );
    if (order.length === 0) return;
    const last = order.length - 1;
    const ringed = current();
    const before = ringed === null ? -1 : order.indexOf(ringed);
    const at = Math.min(Math.max(step(before, last), 0), last);
    drawing.setAttribute('aria-valuemax', String(last));
    drawing.setAttribute('aria-valuenow', String(at));
    drawing.setAttribute('aria-valuetext', show(order[at]!));
  };
  const actions: Readonly<Record<string, () => void>> = {
    ArrowRight: () => move('x', (at) => at + 1),
    ArrowLeft: () => move('x', (at) => at - 1),
    ArrowUp: () => move('y', (at) => at + 1),
    ArrowDown: () => move('y', (at) => at - 1),
    PageUp: () => move('x', (at) => at + LONG_STEP),
    PageDown: () => move('x', (at) => at - LONG_STEP),
    Home: () => move('x', () => 0),
    End: () => move('x', (_, last) => last),
    Enter: () => {
      const k = current();
      if (k !== null) onPick(k);
    },
  };
  drawing.setAttribute('role', 'slider');
  drawing.setAttribute('tabindex', '0');
  drawing.setAttribute('aria-valuemin', '0');
  drawing.setAttribute('aria-valuenow', '0');
  drawing.setAttribute('aria-describedby', 'scatter-keys');
  drawing.addEventListener('focus', () => {
    if (drawing.matches(':focus-visible') && current() === null) move('x', () => 0);
  });
  drawing.addEventListener('blur', leave);
  drawing.addEventListener('keydown', (event) => {
    const action = actions[event.key];
    if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
}
