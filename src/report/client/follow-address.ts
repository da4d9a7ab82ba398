import { type AddressedPage, addressOf, choiceOf } from './address.js';
import { byId } from './dom.js';
import type { Report } from './report.js';
import { Selection } from './selection.js';

/** Wait before a choice is written: browsers refuse an address that changes as often as a slider does. */
const DELAY_MS = 200;

/** Makes the selection that the address names. */
export function selectionOfAddress(report: Report): Selection {
  const page = addressedPage(report);
  return new Selection(choiceOf(location.hash, page)?.choice ?? page.opening);
}

/** Page that opens on the direction of the most variance, which is index 0 where M is the data's own. */
function addressedPage(report: Report): AddressedPage {
  const index = report.column('rank_by_variance').indexOf(1);
  return { ...report.head, opening: { index, token: null, measure: 'causal_cosine' } };
}

/** Keeps the address and the selection alike: reloaded or passed on, it shows the same. */
export function followAddress(report: Report, selection: Selection): void {
  const page = addressedPage(report);
  const state = byId('state');
  state.textContent = choiceOf(location.hash, page)?.problems.join(' ') ?? '';
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
    const found = choiceOf(location.hash, page);
    state.textContent = found?.problems.join(' ') ?? '';
    if (found !== null) selection.choose(found.choice);
    // A link to a section has taken the place of the choice, and the browser has gone there.
    else writeSoon();
  });
}
