import { byId } from './dom.js';
import { saveButtons } from './save-buttons.js';

/** Lets be saved what the overview has as tables alone: the checks of the verification, the figures of the spectrum. */
export function saveOverviewTables(): void {
  for (const id of ['checks', 'spectral-figures']) {
    const table = byId<HTMLTableElement>(id);
    const texts = (row: HTMLTableRowElement) =>
      Array.from(row.cells, ({ textContent }) => textContent.trim());
    table.after(
      saveButtons(id, () => {
        const [columns, ...rows] = Array.from(table.rows, texts);
        return { columns: columns ?? [], rows };
      }),
    );
  }
}
