import { element } from './dom.js';
import { figureText } from './figure-text.js';
import { makeTable } from './make-table.js';
import { saveButtons } from './save-buttons.js';

/** Values of a plot, a row an x. */
export interface TableData {
  columns: readonly string[];
  rows: readonly (readonly number[])[];
}

/** Details of a plot. */
export interface PlotDetails {
  details: HTMLElement;
  /** Makes again what is open, after the plot has changed. */
  renew(): void;
}

/** Rows of a plot's table at most: enough for the shape of a curve, few enough to be read. */
const ROWS = 33;

/** Values of a plot as text, in a table that is made when it is opened; all of them can be saved. */
export function dataTable(caption: string, read: () => TableData): PlotDetails {
  return plotDetails(caption, () => [
    ...valuesTable(caption, read()),
    saveButtons(`values of ${caption}`, read),
  ]);
}

/** Details of a plot, whose contents are made when they are opened. */
export function plotDetails(caption: string, make: () => HTMLElement[]): PlotDetails {
  const details = element('details', { class: 'data' }, element('summary', {}, `Values of “${caption}”`));
  const renew = () => {
    details.querySelector('.values')?.remove();
    if (details.open) details.append(element('div', { class: 'values' }, ...make()));
  };
  details.addEventListener('toggle', renew);
  return { details, renew };
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
  const region = scrolled(caption, table);
  if (chosen.length === rows.length) return [region];
  const note = `${chosen.length} of ${rows.length} rows, evenly spaced; the CSV has all.`;
  return [element('p', { class: 'note' }, note), region];
}

/** Puts the values of a plot in a region that scrolls where they are wider than the page. */
export function scrolled(caption: string, table: HTMLElement): HTMLElement {
  const label = `Values of ${caption}`;
  return element('div', { class: 'scroll', role: 'region', tabindex: 0, 'aria-label': label }, table);
}
