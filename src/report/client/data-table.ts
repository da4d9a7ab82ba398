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
    details.querySelector('.values')?.remove();
    if (!details.open) return;
    const shown = valuesTable(caption, read());
    details.append(element('div', { class: 'values' }, ...shown, saveButtons(`values of ${caption}`, read)));
  });
  return details;
}

/** Table, and above it how many of the rows it has where it has not all. */
function valuesTable(caption: string, { columns, rows }: TableData): HTMLElement[] {
  const step = Math.max(1, (rows.length - 1) / (ROWS - 1));
  const chosen =
    rows.length <= ROWS ? rows : Array.from({ length: ROWS }, (_, k) => rows[Math.round(k * step)]!);
  const table = makeTable(
    caption,
    columns.map((name, k) => ({ name, isNumber: true, isHeading: k === 0 })),
    chosen.map((row) => row.map(figureText)),
  );
  const label = `Values of ${caption}`;
  const region = element('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': label }, table);
  if (chosen.length === rows.length) return [region];
  const note = `${chosen.length} of ${rows.length} rows, evenly spaced; the CSV has all.`;
  return [element('p', { class: 'note' }, note), region];
}
