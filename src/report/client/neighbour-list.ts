import type { NeighbourMeasure } from '../../tables/neighbour-measures.js';
import { byId, element } from './dom.js';
import { addressIn } from './follow-address.js';
import { makeTable } from './make-table.js';
import type { Neighbour, Report } from './report.js';
import { saveButtons } from './save-buttons.js';
import { choiceParts, type Selection } from './selection.js';
import { savedName, shortened, tokenName } from './token-name.js';

/** Lists the neighbours of the chosen token, where the page has any, by the measure that the reader chooses. */
export function startNeighbourList(
  report: Report,
  selection: Selection,
  showToken: (id: number) => void,
): void {
  if (!report.head.neighbours?.shown) return;
  const place = byId('neighbours');
  const select = byId<HTMLSelectElement>('near');
  select.addEventListener('change', () => selection.choose({ near: select.value as NeighbourMeasure }));
  selection.follow(['token', 'near'], ({ token, near }) => {
    select.value = near!;
    byId('neighbours-part').hidden = token === null;
    if (token !== null) place.replaceChildren(...listOf(report, { token, near: near! }, showToken));
  });
  // A link that is opened elsewhere shows what is on show here, but for the token.
  selection.follow(choiceParts, (choice) => {
    for (const link of place.querySelectorAll('a'))
      link.href = addressIn(report, { ...choice, token: Number(link.dataset.token) });
  });
}

function listOf(
  report: Report,
  { token, near }: { token: number; near: NeighbourMeasure },
  showToken: (id: number) => void,
): HTMLElement[] {
  const found = report.neighbours(token, near);
  if (found.length === 0)
    return [
      element('p', { class: 'note' }, 'None: a row without a direction has no neighbours by a cosine.'),
    ];
  const name = `nearest tokens of token ${token} by ${near}`;
  const table = makeTable(
    `Nearest tokens of token ${token}`,
    [{ name: 'id', isNumber: true }, { name: 'token' }, { name: 'value', isNumber: true }],
    found.map(({ token: other, value }) => [
      String(other),
      tokenLink(report, other, showToken),
      valueText(value),
    ]),
  );
  return [table, saveButtons(name, () => neighboursTable(report, found))];
}

/** Link to a token, which shows it here, or where the reader opens it. */
function tokenLink(report: Report, id: number, showToken: (id: number) => void): HTMLElement {
  const name = tokenName(report, id);
  const link = element('a', { class: 'token', title: name, 'data-token': id, href: '' }, shortened(name));
  link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    showToken(id);
    // The link itself is gone.
    byId('token-details').focus({ preventScroll: true });
  });
  return link;
}

/** Value for reading; the page knows three digits of it. */
function valueText(value: number): string {
  return value === 0 ? '0' : String(Number(value.toPrecision(3)));
}

function neighboursTable(report: Report, found: readonly Neighbour[]) {
  return {
    columns: ['place', 'token_id', 'token', 'value'],
    rows: found.map(({ token, value }, k) => [
      k + 1,
      token,
      savedName(report, token),
      Number(value.toPrecision(3)),
    ]),
  };
}
