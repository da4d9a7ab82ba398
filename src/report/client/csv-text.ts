/** Table to be saved: what the page shows rounded stands here as it has it. */
export interface CsvTable {
  columns: readonly string[];
  rows: readonly (readonly (string | number)[])[];
}

/**
 * Table as comma-separated values, RFC 4180; an undefined number is an empty field. A text that a spreadsheet would compute as
 * a formula gets an apostrophe before it, which makes it text there.
 */
export function csvText({ columns, rows }: CsvTable): string {
  return [columns, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

function field(value: string | number): string {
  if (typeof value === 'number') return Number.isNaN(value) ? '' : numberText(value);
  const text = isFormula(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Whether a text begins as a formula does, also in full width or after white space, and is no plain number. */
function isFormula(text: string): boolean {
  return /^\s*[=+\-@＝＋－＠]/.test(text) && !/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text);
}

/** Fewest digits that still name the float32 nearest to a value; whole numbers in full. */
function numberText(value: number): string {
  if (Number.isInteger(value)) return String(value);
  const nearest = Math.fround(value);
  for (let digits = 6; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === nearest) return String(text);
  }
  return String(Number(value.toPrecision(9)));
}
