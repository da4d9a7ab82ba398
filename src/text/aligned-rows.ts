import { shortText, WIDEST_CELL } from './short-text.js';

/** Rows as lines whose columns are aligned; the first row is the header. A cell too wide for a screen is cut. */
export function alignedRows(given: readonly (readonly string[])[]): string {
  const rows = given.map((row) => row.map((cell) => shortText(cell, WIDEST_CELL)));
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
