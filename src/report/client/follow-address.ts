import { harmlessText } from '../../text/visible-text.js';
import { type AddressedPage, addressOf, choiceOf } from './address.js';
import { byId } from './dom.js';
import type { Report } from './report.js';
import { type Choice, choiceParts, Selection } from './selection.js';
import { shortened } from './token-name.js';

/** Wait before a choice is written: browsers refuse an address that changes as often as a slider does. */
const DELAY_MS = 200;

/** Makes the selection that the address names. */
export function selectionOfAddress(report: Report): Selection {
  const page = addressedPage(report);
  return new Selection(choiceOf(location.hash, page)?.choice ?? page.opening);
}

/** Address of a choice on the page of a report, as a fragment. */
export function addressIn(report: Report, choice: Readonly<Choice>): string {
  return addressOf(choice, addressedPage(report).opening);
}

/** Page that opens on the directions of the most variance, of which the first is index 0 where M is the data's own. */
function addressedPage(report: Report): AddressedPage {
  const ranks = report.column('rank_by_variance');
  const index = ranks.indexOf(1);
  // The only eigenvector of a page has no other beside it.
  const y = Math.max(ranks.indexOf(2), 0);
  const { rows, hidden, neighbours } = report.head;
  const nearBy = neighbours?.shown ? neighbours.measures : [];
  const opening = {
    index,
    token: null,
    measure: 'causal_cosine',
    x: index,
    y,
    near: nearBy[0] ?? null,
  } as const;
  return { rows, hidden, nearBy, opening };
}

/**
 * Keeps the address and the selection alike: reloaded or passed on, it shows the same, and back leads to the choice before.
 * Each entry of the browser's history has the address of its choice as its state.
 */
export function followAddress(report: Report, selection: Selection): void {
  const page = addressedPage(report);
  const state = byId('state');
  const written = () => addressOf(selection.choice, page.opening);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isArriving = true;
  selection.follow(choiceParts, () => {
    if (isArriving) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      state.textContent = '';
      if (history.state !== written()) history.pushState(written(), '', written());
    }, DELAY_MS);
  });
  state.textContent = problemOf(location.hash, page);
  history.replaceState(written(), '');
  isArriving = false;
  addEventListener('hashchange', () => {
    clearTimeout(timer);
    // An entry without a state is new: a link, or an address that was typed.
    const address = typeof history.state === 'string' ? history.state : location.hash;
    state.textContent = problemOf(address, page);
    const found = choiceOf(address, page);
    isArriving = true;
    if (found !== null) selection.choose(found.choice);
    isArriving = false;
    // A link to a section has taken the place of the choice, and the browser has gone there.
    const place = found === null ? written() : undefined;
    history.replaceState(written(), '', place);
  });
}

/** What of an address this page cannot show, in one line; empty where it can show all. */
function problemOf(address: string, page: AddressedPage): string {
  const found = choiceOf(address, page);
  if (found !== null) return found.problems.join(' ');
  const id = address.slice(1);
  if (id === '' || document.getElementById(id) !== null) return '';
  return `The address asks for “${shortened(harmlessText(id))}”, which this page does not have.`;
}
