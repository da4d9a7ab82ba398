import { element } from './dom.js';
import { figureText } from './figure-text.js';

/** Values of a plot, a row an x. */
export interface TableData {
  columns: readonly string[];
  rows: readonly (readonly number[])[];
}

/** Rows of a plot's table at most: enough for the shape of a curve, few enough to be read. */
const ROWS = 33;

/** Values of a plot as text, in a table that is made when it is opened. */
export function dataTable(caption: string, read: () => TableData): HTMLElement {
  const details = element('details', { class: 'data' }, element('summary', {}, `Values of “${caption}”`));
  details.addEventListener('toggle', () => {
    details.querySelector('.scroll')?.remove();
    if (details.open) details.append(valuesTable(caption, read()));
  });
  return details;
}

function valuesTable(caption: string, { columns, rows }: TableData): HTMLElement {
  const step = Math.max(1, (rows.length - 1) / (ROWS - 1));
  const chosen =
    rows.length <= ROWS ? rows : Array.from({ length: ROWS }, (_, k) => rows[Math.round(k * step)]!);
  const note =
    chosen.length < rows.length
      ? `${caption}: ${chosen.length} of ${rows.length} rows, evenly spaced`
      : caption;
  return element(
    'div',
    { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': `Values of ${caption}` },
    element(
      'table',
      {},
      element('caption', {}, note),
      element(
        'thead',
        {},
        element('tr', {}, ...columns.map((name) => element('th', { scope: 'col', class: 'number' }, name))),
      ),
      element('tbody', {}, ...chosen.map(valuesRow)),
    ),
  );
}

function valuesRow([first, ...others]: readonly number[]): HTMLElement {
  return element(
    'tr',
    {},
    element('th', { scope: 'row', class: 'number' }, figureText(first)),
    ...others.map((value) => element('td', { class: 'number' }, figureText(value))),
  );
}
