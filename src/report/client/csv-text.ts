/** Table to be saved: what the page shows rounded stands here as it has it. */
export interface CsvTable {
  columns: readonly string[];
  rows: readonly (readonly (string | number)[])[];
}

/** Table as comma-separated values, RFC 4180; an undefined number is an empty field. */
export function csvText({ columns, rows }: CsvTable): string {
  return [columns, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

function field(value: string | number): string {
  if (typeof value === 'number') return Number.isNaN(value) ? '' : numberText(value);
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
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
