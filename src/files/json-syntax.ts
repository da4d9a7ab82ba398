import { shownValue } from '../text/shown-value.js';

/** What may come next in a text of JSON, in words. */
type Expected =
  | 'a value'
  | 'a value or "]"'
  | 'a key in double quotes'
  | 'a key in double quotes or "}"'
  | '":"'
  | '"," or "}"'
  | '"," or "]"'
  | 'the end';

/** Something that stands in a text of JSON, and where it ends; `problem` where it is not written as JSON has it. */
interface Token {
  kind: '{' | '}' | '[' | ']' | ',' | ':' | 'text' | 'scalar' | 'end' | 'other';
  end: number;
  problem?: string;
}

/**
 * Says where a text first is no JSON, by line and column, counted from 1, and what was expected there. JSON.parse says
 * that in words that differ between versions of Node.js, or not at all.
 *
 * @param isWord whether a word, as NaN, is a value besides those of JSON
 * @returns null for valid JSON
 */
export function jsonSyntaxProblem(
  text: string,
  isWord: (word: string) => boolean = () => false,
): string | null {
  const open: ('{' | '[')[] = [];
  const afterValue = (): Expected =>
    open.length === 0 ? 'the end' : open.at(-1) === '{' ? '"," or "}"' : '"," or "]"';
  let expected: Expected = 'a value';
  let afterComma = false;
  for (let at = skipSpace(text, 0); ; ) {
    const { kind, end, problem } = tokenAt(text, at, isWord);
    if (problem !== undefined) return `${placeOf(text, end)}: ${problem}`;
    const isKey = expected.startsWith('a key');
    const isValue = expected.startsWith('a value');
    if (expected === 'the end' && kind === 'end') return null;
    if (isValue && (kind === '{' || kind === '[')) {
      open.push(kind);
      expected = kind === '{' ? 'a key in double quotes or "}"' : 'a value or "]"';
    } else if (isValue && (kind === 'text' || kind === 'scalar')) expected = afterValue();
    else if (isKey && kind === 'text') expected = '":"';
    else if (kind === ':' && expected === '":"') expected = 'a value';
    else if ((kind === '}' || kind === ']') && expected.includes(`or "${kind}"`)) {
      open.pop();
      expected = afterValue();
    } else if (kind === ',' && expected.startsWith('"," or')) {
      expected = open.at(-1) === '{' ? 'a key in double quotes' : 'a value';
    } else
      return `${placeOf(text, at)}: expected ${expected}, found ${foundAt(text, at)}${hint(text, at, afterComma)}`;
    afterComma = kind === ',';
    at = skipSpace(text, end);
  }
}

const space = /[ \t\n\r]*/y;
const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|true\b|false\b|null\b/y;
const word = /-?\w+/y;
const escapeSequence = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

/** Where a sticky pattern ends that matches at a place; the place itself where it does not. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function skipSpace(text: string, at: number): number {
  return endOf(space, text, at);
}

function tokenAt(text: string, at: number, isWord: (word: string) => boolean): Token {
  const character = text[at];
  switch (character) {
    case undefined:
      return { kind: 'end', end: at };
    case '{':
    case '}':
    case '[':
    case ']':
    case ',':
    case ':':
      return { kind: character, end: at + 1 };
    case '"':
      return textAt(text, at);
    default: {
      const end = endOf(scalar, text, at);
      if (end > at) return { kind: 'scalar', end };
      const endOfWord = endOf(word, text, at);
      return isWord(text.slice(at, endOfWord))
        ? { kind: 'scalar', end: endOfWord }
        : { kind: 'other', end: at };
    }
  }
}

function textAt(text: string, start: number): Token {
  for (let at = start + 1; ; ) {
    at = endOfPlainText(text, at);
    if (text[at] === '"') return { kind: 'text', end: at + 1 };
    if (text[at] === undefined)
      return {
        kind: 'other',
        end: start,
        problem: 'a text begins here that never ends; is the file cut off?',
      };
    const end = endOf(escapeSequence, text, at);
    if (end === at) {
      const what = text[at] === '\\' ? 'a backslash' : shownValue(text[at]);
      return {
        kind: 'other',
        end: at,
        problem: `${what} within a text; write it with a backslash before it`,
      };
    }
    at = end;
  }
}

/** Where the part of a text ends that means what it is: before a quote, a backslash or a control character. */
function endOfPlainText(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x22 || code === 0x5c) break;
  }
  return at;
}

function placeOf(text: string, at: number): string {
  let line = 1;
  let start = 0;
  for (let feed = text.indexOf('\n'); feed >= 0 && feed < at; feed = text.indexOf('\n', start)) {
    line++;
    start = feed + 1;
  }
  return `line ${line}, column ${at - start + 1}`;
}

const LONGEST_WORD = 20;

function foundAt(text: string, at: number): string {
  if (at >= text.length) return 'the end of the text';
  const end = Math.min(Math.max(endOf(word, text, at), at + 1), at + LONGEST_WORD);
  return shownValue(text.slice(at, end));
}

/** What the most usual slips are. */
function hint(text: string, at: number, afterComma: boolean): string {
  const character = text[at];
  if (character === undefined) return '; is the file cut off?';
  if (afterComma && (character === '}' || character === ']')) return '; the comma before it is one too many';
  if (character === '/' || character === '#') return '; JSON has no comments';
  if (character === '\ufeff') return ', a byte order mark; save the file without one';
  if (character === "'") return '; JSON has double quotes alone';
  return '';
}
