import type { Json } from '@duckdb/node-api';
import type { SqlColumn, SqlResult } from '../queries/sql.js';
import { textTable } from '../text/text-table.js';
import { harmlessText } from '../text/visible-text.js';

export type SqlFormat = 'table' | 'json' | 'csv';

/** Rows of a table on the screen; its columns can only be aligned when all of them are known. */
const MAX_TABLE_ROWS = 1000;

/** The answer to a query as text, piece by piece: `json` is an array of objects, `csv` as in RFC 4180. */
export function sqlText(result: SqlResult, format: SqlFormat): AsyncIterable<string> {
  if (format === 'json') return jsonText(result);
  return format === 'csv' ? csvText(result) : tableText(result);
}

async function* rowsOf({ columns, chunks }: SqlResult): AsyncGenerator<Json[]> {
  const plain = columns.map(({ type }) => plainValue(type));
  for await (const chunk of chunks) {
    for (const row of chunk) yield row.map((value, k) => plain[k]!(value));
  }
}

/** Wide integers come as text, and float32 with the digits of a float64. */
function plainValue(type: string): (value: Json) => Json {
  if (/^U?(BIG|HUGE)INT$/.test(type)) {
    return (value) =>
      typeof value === 'string' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (type === 'FLOAT') return (value) => (typeof value === 'number' ? shortest(value) : value);
  return (value) => value;
}

/** The number of fewest digits that is the same float32. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

async function* tableText(result: SqlResult): AsyncGenerator<string> {
  const rows: string[][] = [];
  let isCut = false;
  for await (const row of rowsOf(result)) {
    isCut = rows.length === MAX_TABLE_ROWS;
    if (isCut) break;
    rows.push(row.map((value) => harmlessText(valueText(value))));
  }
  const columns = result.columns.map(({ name, type }) => ({
    name: harmlessText(name),
    align: isNumeric(type) ? ('right' as const) : ('left' as const),
  }));
  yield `${textTable(columns, rows).join('\n')}\n`;
  if (isCut) yield `... the first ${MAX_TABLE_ROWS} rows; --csv and --json give all of them\n`;
  else yield `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}\n`;
}

async function* jsonText(result: SqlResult): AsyncGenerator<string> {
  let separator = '[';
  for await (const row of rowsOf(result)) {
    const object = Object.fromEntries(result.columns.map(({ name }, k) => [name, row[k]]));
    yield `${separator}\n${JSON.stringify(object)}`;
    separator = ',';
  }
  yield separator === '[' ? '[]\n' : '\n]\n';
}

async function* csvText(result: SqlResult): AsyncGenerator<string> {
  yield csvLine(result.columns.map(({ name }: SqlColumn) => name));
  for await (const row of rowsOf(result)) yield csvLine(row.map(valueText));
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`;
}

function valueText(value: Json): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function isNumeric(type: string): boolean {
  return /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/.test(type);
}
