import stringWidth from 'string-width';
import { shortText, WIDEST_CELL } from './short-text.js';

/** Column of a table for a terminal. */
export interface TextColumn {
  name: string;
  /** Side on which cells are flush; 'right' is for numbers. */
  align: 'left' | 'right';
}

/**
 * Lines of a table whose columns are aligned as a terminal shows them, wide characters counted as two. A cell too wide
 * for a screen is cut, and ends with an ellipsis.
 */
export function textTable(columns: readonly TextColumn[], given: readonly (readonly string[])[]): string[] {
  const names = columns.map(({ name }) => shortText(name, WIDEST_CELL));
  const rows = given.map((row) => row.map((cell) => shortText(cell, WIDEST_CELL)));
  const widths = columns.map((_, k) =>
    [names, ...rows].reduce((width, row) => Math.max(width, stringWidth(row[k]!)), 0),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, k) => {
        const padding = ' '.repeat(widths[k]! - stringWidth(cell));
        return columns[k]!.align === 'right' ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd();
  return [line(names), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
