import { addressOf, choiceOf } from './address.js';
import { byId } from './dom.js';
import type { Report } from './report.js';
import { opening, Selection } from './selection.js';

/** Wait before a choice is written: browsers refuse an address that changes as often as a slider does. */
const DELAY_MS = 200;

/** Makes the selection that the address names. */
export function selectionOfAddress({ head }: Report): Selection {
  return new Selection(choiceOf(location.hash, head)?.choice ?? opening);
}

/** Keeps the address and the selection alike: reloaded or passed on, it shows the same. */
export function followAddress({ head }: Report, selection: Selection): void {
  const state = byId('state');
  state.textContent = choiceOf(location.hash, head)?.problems.join(' ') ?? '';
  let shown = selection.choice;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const writeSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState(null, '', addressOf(selection.choice)), DELAY_MS);
  };
  selection.follow(['index', 'token', 'measure'], (choice) => {
    if (choice !== shown) writeSoon();
    shown = choice;
  });
  addEventListener('hashchange', () => {
    const found = choiceOf(location.hash, head);
    state.textContent = found?.problems.join(' ') ?? '';
    if (found !== null) selection.choose(found.choice);
    // A link to a section has taken the place of the choice, and the browser has gone there.
    else writeSoon();
  });
}
