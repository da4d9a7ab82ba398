import { byId, element, facts } from './dom.js';
import { figureText } from './figure-text.js';
import type { Report, Token } from './report.js';
import { searchTokens } from './search-tokens.js';
import type { Selection } from './selection.js';
import { tokenButton, tokenName } from './token-button.js';

const MOST_RESULTS = 30;

/** Starts the search for tokens. @returns a function that shows one token with its strongest directions */
export function startTokenExplorer(report: Report, selection: Selection): (id: number) => void {
  const search = byId<HTMLInputElement>('search');
  const show = (id: number) => {
    byId('token-details').replaceChildren(...details(report, report.token(id), selection, show));
    byId('search-status').textContent = `Token ${id}, ${tokenName(report, id)}, is shown.`;
  };
  search.addEventListener('input', () => {
    const { ids, count } = searchTokens(report.texts, search.value, MOST_RESULTS);
    const results = ids.map((id) => element('li', {}, `${id} `, tokenButton(report, id, show)));
    byId('results').replaceChildren(...results);
    byId('search-status').textContent = search.value.trim() === '' ? '' : foundText(ids.length, count);
  });
  return show;
}

function foundText(shown: number, count: number): string {
  if (count === 0) return 'No token has that text or id.';
  return `${count} ${count === 1 ? 'token' : 'tokens'} found${shown < count ? `, the first ${shown} are shown` : ''}.`;
}

function details(
  report: Report,
  token: Token,
  selection: Selection,
  show: (id: number) => void,
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
    ),
    directionsTable(token, selection),
  ];
  const { duplicateGroup } = token;
  if (duplicateGroup !== null && duplicateGroup !== token.id) {
    parts.push(element('p', {}, 'Its row equals that of ', tokenButton(report, duplicateGroup, show), '.'));
  }
  return parts;
}

function directionsTable({ id, directions }: Token, selection: Selection): HTMLElement {
  const rows = directions.map(({ index, z }) => {
    const button = element('button', { type: 'button' }, `eigenvector ${index}`);
    button.addEventListener('click', () => selection.choose(index));
    const value = `${z < 0 ? '−' : '+'}${Math.abs(z).toPrecision(3)}`;
    return element('tr', {}, element('td', {}, button), element('td', { class: 'number' }, value));
  });
  return element(
    'table',
    {},
    element('caption', {}, `Strongest directions of token ${id}`),
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        element('th', { scope: 'col' }, 'direction'),
        element('th', { scope: 'col', class: 'number' }, 'z'),
      ),
    ),
    element('tbody', {}, ...rows),
  );
}
