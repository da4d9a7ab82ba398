import { bringIntoView } from './bring-into-view.js';
import { byId, element, facts } from './dom.js';
import { figureText } from './figure-text.js';
import { isSetByRidge } from './index-marks.js';
import { makeTable } from './make-table.js';
import type { Report, Token } from './report.js';
import { saveButtons } from './save-buttons.js';
import type { Selection } from './selection.js';
import { tokenButton } from './token-button.js';
import { tokenName } from './token-name.js';
import { signedText, zText } from './z-text.js';

/** Shows the chosen token: its figures, its z on the eigenvector on show, and its strongest directions. */
export function startTokenCard(report: Report, selection: Selection, showToken: (id: number) => void): void {
  const card = byId('token-details');
  selection.follow(['token'], ({ token }) => {
    card.hidden = token === null;
    byId('token-hint').hidden = token !== null;
    if (token !== null) card.replaceChildren(...details(report, report.token(token), selection, showToken));
  });
  selection.follow(['token', 'index'], ({ token, index }) => {
    if (token === null) return;
    const [name, value] = [card.querySelector('.token-z dt'), card.querySelector('.token-z dd')];
    name!.textContent = `z on eigenvector ${index}`;
    value!.textContent = zText(report.z(token, index));
  });
}

/** Brings the card into view: beside the eigenvector together with the search, which a narrow screen has above it. */
export function bringCardIntoView(): void {
  const column = byId('token');
  const card = byId('token-details');
  bringIntoView(card, getComputedStyle(column).position === 'sticky' ? column : card);
}

function details(
  report: Report,
  token: Token,
  selection: Selection,
  showToken: (id: number) => void,
): HTMLElement[] {
  const kind = [token.isSpecial ? 'special' : '', token.isOrphan ? 'orphan: no token of the tokenizer' : '']
    .filter((name) => name !== '')
    .join(', ');
  const parts = [
    element('h4', {}, `Token ${token.id}: ${tokenName(report, token.id)}`),
    element(
      'dl',
      { class: 'facts' },
      ...facts([
        ['Norm', figureText(token.norm)],
        ['Causal norm', figureText(token.causalNorm)],
        ['Distortion', figureText(token.causalNorm / token.norm)],
        ...(kind === '' ? [] : [['Kind', kind] as const]),
      ]),
      element('div', { class: 'token-z' }, element('dt'), element('dd')),
    ),
    directionsTable(report, token, selection),
    saveButtons(`strongest directions of token ${token.id}`, () => ({
      columns: ['index', 'z'],
      rows: token.directions.map(({ index, z }) => [index, z]),
    })),
  ];
  const { duplicateGroup } = token;
  if (duplicateGroup !== null && duplicateGroup !== token.id) {
    parts.push(
      element('p', {}, 'Its row equals that of ', tokenButton(report, duplicateGroup, showToken), '.'),
    );
  }
  return parts;
}

function directionsTable(report: Report, { id, directions }: Token, selection: Selection): HTMLElement {
  const rows = directions.map(({ index, z }) => {
    const button = element('button', { type: 'button' }, `eigenvector ${index}`);
    button.addEventListener('click', () => {
      selection.choose({ index });
      bringIntoView(byId('eigenvector'));
    });
    const direction = isSetByRidge(report, index) ? element('span', {}, button, ' set by the ridge') : button;
    return [direction, signedText(z)];
  });
  return makeTable(
    `Strongest directions of token ${id}`,
    [{ name: 'direction' }, { name: 'z', isNumber: true }],
    rows,
  );
}
