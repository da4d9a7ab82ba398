import { shownValue } from '../text/shown-value.js';
import { jsonSyntaxProblem } from './json-syntax.js';

/** The largest tokenizers have three million values. So many cost ten seconds and a gigabyte at worst. */
const MOST_VALUES = 2 ** 23;

/**
 * Parses JSON and refuses an object that has the same key twice: JSON.parse keeps the last one silently, so two
 * readers of one file could see two different tensors under one name. Too many values are refused before anything is
 * made of them: three bytes of text may become two hundred of memory.
 *
 * @param mostValues that are taken: numbers, texts, lists, objects, and what is in them
 * @throws SyntaxError with a message for the user, which names line and column
 */
export function parseJson(text: string, mostValues: number = MOST_VALUES): unknown {
  refuseMany(text, mostValues);
  return parseWithoutRepeats(text, () => jsonSyntaxProblem(text));
}

function parseWithoutRepeats(text: string, problem: () => string | null): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError(problem() ?? (cause as Error).message, { cause });
  }
  const repeated = findRepeatedKey(text);
  if (repeated !== null) throw new SyntaxError(`the key ${shownValue(repeated)} occurs twice`);
  return value;
}

/**
 * Parses JSON as Python writes it: with Infinity, -Infinity and NaN for numbers that JSON has no word for. NaN is
 * null here, because nothing that is read of such files is a number that may be missing in two ways.
 *
 * @throws SyntaxError as parseJson
 */
export function parsePythonJson(text: string): unknown {
  refuseMany(text, MOST_VALUES);
  const isConstant = (word: string) => Object.hasOwn(constants, word);
  return parseWithoutRepeats(spellOutConstants(text), () => jsonSyntaxProblem(text, isConstant));
}

/** Takes a JSON object as a plain record of unknown values; null for anything else. */
export function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

/** JSON.parse takes a number beyond float64 for infinite. */
const constants: Readonly<Record<string, string>> = { Infinity: '1e999', '-Infinity': '-1e999', NaN: 'null' };

function spellOutConstants(text: string): string {
  const pieces: string[] = [];
  let done = 0;
  const next = /"|(?<![\w.+-])(?:-?Infinity|NaN)(?![\w.])/g;
  for (let found = next.exec(text); found !== null; found = next.exec(text)) {
    if (found[0] === '"') next.lastIndex = endOfString(text, found.index);
    else {
      pieces.push(text.slice(done, found.index), constants[found[0]]!);
      done = next.lastIndex;
    }
  }
  return pieces.length === 0 ? text : [...pieces, text.slice(done)].join('');
}

/** There is one value more than there are commas and opening brackets. @throws SyntaxError where there are too many */
function refuseMany(text: string, most: number): void {
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at) - 1;
        break;
      case COMMA:
      case BRACE:
      case BRACKET:
        if (++values > most) throw new SyntaxError(`it holds more than ${most} values, which are not read`);
    }
  }
}

/**
 * Finds a key that an object has twice.
 *
 * @param text valid JSON
 */
function findRepeatedKey(text: string): string | null {
  // Of an object without keys null: most objects of a text may be such.
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case BRACE:
        open.push(null);
        break;
      case CLOSING_BRACE:
        open.pop();
        break;
      case QUOTE: {
        const end = endOfString(text, at);
        if (isBeforeColon(text, end)) {
          const key = keyOf(text.slice(at, end));
          const keys = open.at(-1) ?? new Set();
          if (keys.has(key)) return key;
          open[open.length - 1] = keys.add(key);
        }
        at = end - 1;
      }
    }
  }
  return null;
}

/** Reads a key: "a" and "\u0061" are one. @param quoted with its quotes */
function keyOf(quoted: string): string {
  return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BRACKET = 0x5b;
const BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * Finds where the string that begins at `start` ends, its closing quote included. Not by a pattern with a choice for
 * every character, which needs a stack as deep as the string is long.
 */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let backslashes = 0;
    while (text[at - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return at + 1;
  }
}

function isBeforeColon(text: string, end: number): boolean {
  let at = end;
  while (' \t\n\r'.includes(text[at] ?? 'end')) at++;
  return text[at] === ':';
}
