import type { Json } from '@duckdb/node-api';
import stringWidth from 'string-width';
import type { SqlColumn, SqlResult } from '../queries/sql.js';
import { textTable } from '../text/text-table.js';
import { harmlessText, visibleText } from '../text/visible-text.js';
import { answerJson } from './answer-text.js';

export const sqlFormats = ['table', 'csv', 'json', 'markdown'] as const;
export type SqlFormat = (typeof sqlFormats)[number];

/** Rows of a table on the screen; its columns can only be aligned when all of them are known. */
const MAX_TABLE_ROWS = 1000;

/** Characters of a cell in a table, as a terminal counts them; what is longer is cut. */
const MAX_CELL_WIDTH = 60;

/** How an answer is printed. */
export interface SqlTextOptions {
  format: SqlFormat;
  /** Significant digits of the numbers in a table, which are no whole ones; csv and json have all. */
  digits: number | 'all';
  /** Whether a terminal shows it, on which nothing is to act; otherwise csv and json are what is stored. */
  isTerminal?: boolean;
}

/**
 * The answer to a query as text, piece by piece: `table` and `markdown` to be read, with texts in quotation marks and long
 * cells cut; `json`, an array of objects, and `csv`, as in RFC 4180, whole.
 */
export function sqlText(
  result: SqlResult,
  { format, digits, isTerminal = false }: SqlTextOptions,
): AsyncIterable<string> {
  if (format === 'json') return jsonText(result, isTerminal);
  if (format === 'csv') return csvText(result, isTerminal);
  if (isExplanation(result)) return explanationText(result);
  return format === 'markdown' ? markdownText(result, digits) : tableText(result, digits);
}

async function* rowsOf({ columns, chunks }: SqlResult): AsyncGenerator<Json[]> {
  const plain = columns.map(({ type }) => plainValue(type));
  for await (const chunk of chunks) {
    for (const row of chunk) yield row.map((value, k) => plain[k]!(value));
  }
}

/** Wide integers come as text, and float32, also in lists, with the digits of a float64. */
function plainValue(type: string): (value: Json) => Json {
  if (/^U?(BIG|HUGE)INT$/.test(type)) {
    return (value) =>
      typeof value === 'string' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  return /^FLOAT(\[\d*\])*$/.test(type) ? withNumbers(shortest) : (value) => value;
}

/** Changes the numbers of a value, also those in lists and structs. */
function withNumbers(change: (value: number) => number): (value: Json) => Json {
  const changed = (value: Json): Json => {
    if (typeof value === 'number') return change(value);
    if (Array.isArray(value)) return value.map(changed);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, changed(inner)]));
  };
  return changed;
}

/** The number of fewest digits that is the same float32. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

async function* tableText(result: SqlResult, digits: SqlTextOptions['digits']): AsyncGenerator<string> {
  const cells = cellsOf(result.columns, digits);
  const rows: string[][] = [];
  let isCut = false;
  for await (const row of rowsOf(result)) {
    isCut = rows.length === MAX_TABLE_ROWS;
    if (isCut) break;
    rows.push(cells(row));
  }
  const columns = result.columns.map(({ name, type }) => ({
    name: harmlessText(name),
    align: isNumeric(type) ? ('right' as const) : ('left' as const),
  }));
  yield `${textTable(columns, rows).join('\n')}\n`;
  if (isCut) yield `... the first ${MAX_TABLE_ROWS} rows; --csv and --json give all of them\n`;
  else yield `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}\n`;
}

async function* markdownText(result: SqlResult, digits: SqlTextOptions['digits']): AsyncGenerator<string> {
  const { columns } = result;
  const cells = cellsOf(columns, digits);
  const line = (texts: readonly string[]) =>
    `| ${texts.map((text) => text.replace(/[|\\`*_<>[\]]/g, '\\$&')).join(' | ')} |\n`;
  yield line(columns.map(({ name }) => harmlessText(name)));
  yield `| ${columns.map(({ type }) => (isNumeric(type) ? '---:' : '---')).join(' | ')} |\n`;
  for await (const row of rowsOf(result)) yield line(cells(row));
}

/** What makes the cells of a table of a row: texts are told from what looks like them, and nothing acts on a terminal. */
function cellsOf(
  columns: readonly SqlColumn[],
  digits: SqlTextOptions['digits'],
): (row: readonly Json[]) => string[] {
  const rounded =
    digits === 'all' ? (value: Json) => value : withNumbers((value) => significant(value, digits));
  const texts = columns.map(({ type }) => type === 'VARCHAR' || type.startsWith('ENUM'));
  return (row) =>
    row.map((value, k) => {
      if (texts[k] && typeof value === 'string') return quotedText(value);
      return shortened(harmlessText(valueText(rounded(value))), MAX_CELL_WIDTH);
    });
}

/** A whole number is one of things, and stays as it is. */
function significant(value: number, digits: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(digits));
}

/** A text in quotation marks, behind which dots say that it goes on. */
function quotedText(text: string): string {
  return shortened(visibleText(text), MAX_CELL_WIDTH, '"...');
}

/** The beginning of a text with `end` behind it where it is wider than `width`. */
function shortened(text: string, width: number, end = '...'): string {
  if (stringWidth(text) <= width) return text;
  let kept = '';
  let left = width - end.length;
  for (const character of text) {
    left -= stringWidth(character);
    if (left < 0) break;
    kept += character;
  }
  return kept + end;
}

/** EXPLAIN answers with drawings of several lines. */
function isExplanation({ columns }: SqlResult): boolean {
  return columns.map(({ name }) => name).join() === 'explain_key,explain_value';
}

async function* explanationText(result: SqlResult): AsyncGenerator<string> {
  for await (const [, drawing] of rowsOf(result))
    yield `${valueText(drawing ?? null)
      .split('\n')
      .map(harmlessText)
      .join('\n')}\n`;
}

async function* jsonText(result: SqlResult, isTerminal: boolean): AsyncGenerator<string> {
  let separator = '[';
  for await (const row of rowsOf(result)) {
    const object = Object.fromEntries(result.columns.map(({ name }, k) => [name, row[k]]));
    yield `${separator}\n${answerJson(object, isTerminal)}`;
    separator = ',';
  }
  yield separator === '[' ? '[]\n' : '\n]\n';
}

async function* csvText(result: SqlResult, isTerminal: boolean): AsyncGenerator<string> {
  const shown = (text: string) => (isTerminal ? harmlessText(text) : text);
  yield csvLine(result.columns.map(({ name }: SqlColumn) => shown(name)));
  for await (const row of rowsOf(result)) yield csvLine(row.map((value) => shown(valueText(value))));
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
