import { element } from './dom.js';
import { figureText } from './figure-text.js';
import { makeTable } from './make-table.js';
import { saveButtons } from './save-buttons.js';

/** Values of a plot, a row an x. */
export interface TableData {
  columns: readonly string[];
  rows: readonly (readonly number[])[];
}

/** Rows of a plot's table at most: enough for the shape of a curve, few enough to be read. */
const ROWS = 33;

/** Values of a plot as text, in a table that is made when it is opened; all of them can be saved. */
export function dataTable(caption: string, read: () => TableData): HTMLElement {
  const details = element('details', { class: 'data' }, element('summary', {}, `Values of “${caption}”`));
  details.addEventListener('toggle', () => {
    details.querySelector('.scroll')?.remove();
    details.querySelector('.save')?.remove();
    if (details.open) details.append(valuesTable(caption, read()), saveButtons(`values of ${caption}`, read));
  });
  return details;
}

function valuesTable(caption: string, { columns, rows }: TableData): HTMLElement {
  const step = Math.max(1, (rows.length - 1) / (ROWS - 1));
  const chosen =
    rows.length <= ROWS ? rows : Array.from({ length: ROWS }, (_, k) => rows[Math.round(k * step)]!);
  const note =
    chosen.length < rows.length
      ? `${caption}: ${chosen.length} of ${rows.length} rows, evenly spaced (the CSV has all)`
      : caption;
  const table = makeTable(
    note,
    columns.map((name, k) => ({ name, isNumber: true, isHeading: k === 0 })),
    chosen.map((row) => row.map(figureText)),
  );
  const label = `Values of ${caption}`;
  return element('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': label }, table);
}
