import { element } from './dom.js';

/** Column of a table: of numbers, which are aligned, or of anything else. */
export interface Column {
  name: string;
  isNumber?: boolean;
  /** Whether its cells head their rows. */
  isHeading?: boolean;
}

/** Makes a table of cells, a row a list. */
export function makeTable(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly (Node | string)[])[],
): HTMLElement {
  const kind = (column: Column | undefined) => (column?.isNumber === true ? { class: 'number' } : {});
  const heading = (column: Column) => element('th', { scope: 'col', ...kind(column) }, column.name);
  const cell = (value: Node | string, k: number) =>
    columns[k]?.isHeading === true
      ? element('th', { scope: 'row', ...kind(columns[k]) }, value)
      : element('td', kind(columns[k]), value);
  return element(
    'table',
    {},
    element('caption', {}, caption),
    element('thead', {}, element('tr', {}, ...columns.map(heading))),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...row.map(cell)))),
  );
}
