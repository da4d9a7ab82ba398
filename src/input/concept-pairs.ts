import path from 'node:path';
import { InputError } from '../errors.js';
import { readText } from '../files/read-text.js';
import { counted } from '../text/figures.js';
import { shownValue } from '../text/shown-value.js';

/** A pair of tokens that differ in one concept, as a file names it. */
export interface GivenPair {
  concept: string;
  /** A text, or the id of a token. */
  a: string | number;
  b: string | number;
}

/** Names of the columns, and the first line of a file that names them. */
const COLUMNS = ['concept', 'a', 'b'];

/** More are a vocabulary, not lists that somebody has thought of; their rows are all held in memory. */
const MOST_PAIRS = 20_000;

/** The cosines of all pairs of concepts grow with its square. */
const MOST_CONCEPTS = 512;

/**
 * Reads pairs of tokens, a line each, whose columns are separated by tabs: the concept and the two tokens, or, in a file
 * about one concept that is named as the file is, the two tokens alone. A first line with the names of the columns is passed
 * over, as are empty ones. A token is a text; digits alone are an id, and a text in quotes is one of JSON.
 *
 * @param files paths
 * @param isText whether digits are a text as well
 * @throws InputError that names file and line
 */
export async function readPairs(files: readonly string[], isText: boolean): Promise<GivenPair[]> {
  const pairs: GivenPair[] = [];
  for (const file of files) pairs.push(...parsePairs(file, await readText(file, 'pairs of tokens'), isText));
  const concepts = new Set(pairs.map(({ concept }) => concept)).size;
  if (pairs.length <= MOST_PAIRS && concepts <= MOST_CONCEPTS) return pairs;
  throw new InputError(
    `${files.join(', ')}: ${counted(pairs.length, 'pair')} of ${counted(concepts, 'concept')}, expected at most ` +
      `${MOST_PAIRS} pairs of ${MOST_CONCEPTS} concepts; divide them among several calls`,
  );
}

function parsePairs(file: string, text: string, isText: boolean): GivenPair[] {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/);
  const name = path.basename(file).replace(/\.[^.]*$/, '');
  let width: number | undefined;
  const pairs: GivenPair[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const where = `${file}, line ${index + 1}`;
    const cells = line.split('\t');
    const isFirst = width === undefined;
    width ??= cells.length;
    if (cells.length !== width || width < 2 || width > 3)
      throw new InputError(
        `${where}: has ${counted(cells.length, 'column')}, expected ${isFirst ? '3 (concept, a, b), or 2 (a, b) of one concept' : `${width}, as before it`}, ` +
          `separated by tabs; came ${shownValue(line)}`,
      );
    const names = COLUMNS.slice(3 - width);
    if (isFirst && names.every((column, k) => column === cells[k]!.trim().toLowerCase())) continue;
    const [a, b] = cells.slice(-2).map((cell) => tokenOf(where, cell, isText)) as [
      GivenPair['a'],
      GivenPair['b'],
    ];
    const concept = width === 3 ? cells[0]!.trim() : name;
    if (concept === '')
      throw new InputError(`${where}: has no concept; give the name of one in its first column`);
    pairs.push({ concept, a, b });
  }
  if (pairs.length > 0) return pairs;
  throw new InputError(`${file}: holds no pairs; give a line for each: concept, a and b, separated by tabs`);
}

/** @throws InputError for a cell that names no token */
function tokenOf(where: string, cell: string, isText: boolean): string | number {
  if (!isText && /^\d{1,10}$/.test(cell)) return Number(cell);
  if (!/^".*"$/.test(cell) || cell === '"') return checked(where, cell);
  try {
    return checked(where, JSON.parse(cell) as string);
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(
      `${where}: ${shownValue(cell)} begins and ends with a quote, and is no text of JSON; write "\\"" for a quote`,
      { cause },
    );
  }
}

function checked(where: string, text: string): string {
  if (text !== '') return text;
  throw new InputError(`${where}: one of its tokens is empty; give a text, or an id`);
}
