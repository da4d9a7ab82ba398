import path from 'node:path';
import { InputError } from '../../errors.js';
import { readText } from '../../files/read-text.js';
import { type DelimitedTable, readDelimited } from '../../formats/delimited.js';
import { openParquetColumns } from '../../formats/parquet-columns.js';
import { count, counted, percent } from '../../text/figures.js';
import { shownValue } from '../../text/shown-value.js';
import { idsOfTexts } from '../tokenizer/ids-of-texts.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';

const ROLE = 'the counts of tokens';

const PARQUET_ADVICE = 'Save it again, as Parquet with Snappy or no compression, .csv or .tsv';

/** Names of the columns, in small letters. */
const idNames = ['token_id', 'id'];
const textNames = ['text', 'token'];
const countNames = ['count', 'counts', 'frequency'];

/** Counts of tokens, and what a user should know of them. */
export interface ReadCounts {
  /** [V], 0 for a token that the file does not name. */
  counts: Float64Array;
  /** Share of all counts that is left out, from 0 to 1. */
  leftOut: number;
  notes: string[];
}

/**
 * Reads how often each token was counted, from a .parquet, .csv or .tsv file with a column of token ids or of their texts,
 * and one of counts. A text that no token or several tokens have is left out, and told of.
 *
 * @param rows V
 * @param openTokens opens the tokenizer, which texts are looked up in; null where the checkpoint has none
 * @throws InputError where columns are missing, an id is none or named twice, a count is no number from 0, or all are 0
 */
export async function readCounts(
  file: string,
  rows: number,
  openTokens: () => Promise<Tokenizer | null>,
): Promise<ReadCounts> {
  const { table, ids, texts, numbers } = await openCounts(file);
  const values = (await table.values(numbers)).map((value, row) => checkedCount(file, value, row));
  const counts = new Float64Array(rows);
  const notes: string[] = [];
  let leftOut = 0;
  if (ids !== null) {
    const tokens = (await table.values(ids)).map((value, row) => checkedId(file, value, { row, rows }));
    refuseRepeated(file, tokens);
    for (const [row, token] of tokens.entries()) counts[token] = values[row]!;
  } else {
    const tokenizer = await openTokens();
    if (tokenizer === null)
      throw new InputError(
        `${file}: names tokens by their texts, and the checkpoint has no tokenizer to look them up in; give a column ` +
          `${idNames[0]} of token ids`,
      );
    const named = await table.values(texts!);
    refuseRepeated(file, named);
    const left = countTexts({ texts: named, values }, tokenizer, counts);
    leftOut = left.share;
    notes.push(...notesOn(file, named.length, left));
  }
  if (counts.some((value) => value > 0)) return { counts, leftOut, notes };
  throw new InputError(
    `${file}: no token has a count above 0${notes.length === 0 ? '' : ` (${notes.join('; ')})`}: there is nothing to weigh by`,
  );
}

/** A file of counts, and the names of its columns. */
interface CountsFile {
  table: CountTable;
  /** Column of token ids; null where there is none. */
  ids: string | null;
  /** Column of texts, where none is of token ids; else null. */
  texts: string | null;
  numbers: string;
}

/**
 * Opens a file of counts.
 *
 * @throws InputError where it is not there, or has not the columns that it must have, or one of them twice
 */
export async function openCounts(file: string): Promise<CountsFile> {
  const table = await openTable(file);
  const named = (names: readonly string[]) => {
    const found = table.names.filter((name) => names.includes(name));
    if (found.length < 2) return found[0] ?? null;
    throw new InputError(
      `${file}: has the columns ${found.map((name) => shownValue(name)).join(' and ')}, of which one alone can be meant; ` +
        'leave one there, or name the others otherwise',
    );
  };
  const [ids, numbers] = [named(idNames), named(countNames)];
  const texts = ids === null ? named(textNames) : null;
  if (numbers !== null && (ids ?? texts) !== null) return { table, ids, texts, numbers };
  const found = table.names.map((name) => shownValue(name)).join(', ');
  throw new InputError(
    `${file}: expected a column ${idNames.join(' or ')} of token ids, or ${textNames.join(' or ')} of their texts, and a ` +
      `column ${countNames.join(', ')}; found ${found}`,
  );
}

/** Columns of a file, by their names in small letters. */
interface CountTable {
  names: readonly string[];
  values(name: string): Promise<unknown[]>;
}

async function openTable(file: string): Promise<CountTable> {
  switch (path.extname(file).toLowerCase()) {
    case '.parquet': {
      const columns = await openParquetColumns(file, ROLE, PARQUET_ADVICE);
      const names = columns.names.map(plainName);
      const values = async (name: string) =>
        Array.from(await columns.values(columns.names[names.indexOf(name)]!));
      return { names, values };
    }
    case '.csv':
      return tableOf(file, await readTable(file, ','));
    case '.tsv':
      return tableOf(file, await readTable(file, '\t'));
    default:
      throw new InputError(
        `${file}: expected a .parquet, .csv or .tsv file of token ids or texts and counts`,
      );
  }
}

async function readTable(file: string, separator: string): Promise<DelimitedTable> {
  const text = await readText(file, ROLE);
  try {
    return readDelimited(text, separator);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(`${file}: ${error.message}`, { cause: error });
  }
}

function tableOf(file: string, { names: stored, rows }: DelimitedTable): CountTable {
  const names = stored.map(plainName);
  if (rows.length === 0) throw new InputError(`${file}: has no rows below the names of its columns`);
  return {
    names,
    values: async (name) => {
      const column = names.indexOf(name);
      return rows.map((fields) => fields[column]);
    },
  };
}

function plainName(name: string): string {
  return name.trim().toLowerCase();
}

/** A number in decimal digits: `Number` takes 0x1f for one too, and text that is empty. */
const decimal = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

/** A number as any of the formats has it; NaN for what is none. */
function numberOf(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && decimal.test(value) ? Number(value) : Number.NaN;
}

/** @param row from 0 */
function checkedCount(file: string, value: unknown, row: number): number {
  const number = numberOf(value);
  if (number >= 0 && number !== Number.POSITIVE_INFINITY) return number;
  throw new InputError(
    `${file}: the count of row ${row + 1} is ${shownValue(value ?? null)}, expected a number from 0`,
  );
}

function checkedId(file: string, value: unknown, { row, rows }: { row: number; rows: number }): number {
  const id = numberOf(value);
  if (Number.isSafeInteger(id) && id >= 0 && id < rows) return id;
  throw new InputError(
    `${file}: the token id of row ${row + 1} is ${shownValue(value ?? null)}, expected a whole number from 0 to ` +
      `${rows - 1}, of the ${counted(rows, 'row')} that take part`,
  );
}

/** Refuses a token that is named twice: whether its counts were to be added, nobody says. */
function refuseRepeated(file: string, tokens: readonly unknown[]): void {
  const first = new Map<unknown, number>();
  for (const [row, token] of tokens.entries()) {
    const before = first.get(token);
    if (before !== undefined)
      throw new InputError(
        `${file}: rows ${before + 1} and ${row + 1} both name the token ${shownValue(token)}; add up their counts, one row a token`,
      );
    first.set(token, row);
  }
}

/** Texts that are left out, and what they hold. */
interface LeftOut {
  /** Texts that no token has. */
  none: unknown[];
  /** Texts that several tokens have. */
  several: unknown[];
  /** Their share of all counts, from 0 to 1. */
  share: number;
}

/**
 * Counts tokens by their texts.
 *
 * @param named texts, and the count of each
 * @param counts [V], which is filled
 * @returns the texts that stand for no token or for several
 */
function countTexts(
  { texts, values }: { texts: readonly unknown[]; values: readonly number[] },
  tokenizer: Tokenizer,
  counts: Float64Array,
): LeftOut {
  const tokensOf = tokensByText(tokenizer, counts.length, new Set(texts));
  // Of the largest first: a sum of huge counts may be no float64.
  const largest = values.reduce((a, b) => Math.max(a, b), 0);
  const sums = { all: 0, left: 0 };
  const left: Omit<LeftOut, 'share'> = { none: [], several: [] };
  for (const [row, text] of texts.entries()) {
    const tokens = tokensOf(text);
    const part = largest === 0 ? 0 : values[row]! / largest;
    sums.all += part;
    if (tokens.length === 1) counts[tokens[0]!] = values[row]!;
    else {
      left[tokens.length === 0 ? 'none' : 'several'].push(text ?? null);
      sums.left += part;
    }
  }
  return { ...left, share: sums.all === 0 ? 0 : sums.left / sums.all };
}

/**
 * Finds the tokens of some texts. A token of one byte where nothing else fits, or of bytes that are a part of characters, has a
 * text only where no other token has it: `a` is the token `a`, not the byte 0x61.
 */
function tokensByText(
  tokenizer: Tokenizer,
  rows: number,
  wanted: ReadonlySet<unknown>,
): (text: unknown) => readonly number[] {
  const ids = Array.from({ length: rows }, (_, id) => id);
  const isByte = ids.map((id) => tokenizer.isByte(id) || tokenizer.isPartial(id));
  const found = idsOfTexts({ texts: ids.map((id) => tokenizer.text(id)), isByte }, wanted);
  return (text) => {
    const all = typeof text === 'string' ? (found.get(text) ?? []) : [];
    const ordinary = all.filter((id) => !isByte[id]);
    return ordinary.length > 0 ? ordinary : all;
  };
}

/** Texts that a note shows of those that are left out. */
const SHOWN = 3;

/** Tells of texts that are left out. @param texts number of all */
function notesOn(file: string, texts: number, { none, several, share }: LeftOut): string[] {
  if (none.length + several.length === 0) return [];
  const shown = (found: readonly unknown[]) =>
    found
      .slice(0, SHOWN)
      .map((text) => shownValue(text))
      .join(', ');
  const parts = [
    ...(none.length === 0 ? [] : [`${count(none.length)} match no token (${shown(none)})`]),
    ...(several.length === 0 ? [] : [`${count(several.length)} match several (${shown(several)})`]),
  ];
  return [
    `of ${counted(texts, 'text')} in ${path.basename(file)} ${parts.join(' and ')}: they are left out, with ` +
      `${percent(share)} of the counts; token ids leave none out`,
  ];
}
