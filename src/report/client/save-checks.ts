import { byId } from './dom.js';
import { saveButtons } from './save-buttons.js';

/** Lets the checks of the verification be saved, which the page has as a table alone. */
export function saveChecks(): void {
  const table = byId<HTMLTableElement>('checks');
  const texts = (row: HTMLTableRowElement) => Array.from(row.cells, ({ textContent }) => textContent.trim());
  table.after(
    saveButtons('checks', () => {
      const [columns, ...rows] = Array.from(table.rows, texts);
      return { columns: columns ?? [], rows };
    }),
  );
}
