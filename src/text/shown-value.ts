import { harmlessText } from './visible-text.js';

/** Levels of lists and objects that are shown, and members of each. */
const MOST_DEPTH = 3;
const MOST_MEMBERS = 8;

/** Characters of one text, and of a whole value. */
const LONGEST_TEXT = 100;
const LONGEST_VALUE = 300;

/**
 * Shows any value in a message, as JSON writes it: short however long or deep it is, with nothing in it that acts on a
 * terminal, and without asking the value for a text of its own.
 */
export function shownValue(value: unknown): string {
  try {
    const text = shown(value, MOST_DEPTH);
    return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}...` : text;
  } catch {
    // An object may refuse to be looked at.
    return 'a value that cannot be shown';
  }
}

function shown(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return shownText(value);
    case 'bigint':
      // To write a longer one takes time that grows with the square of its length.
      return BigInt.asIntN(256, value) === value ? String(value) : 'an integer beyond 2^255';
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value) || ArrayBuffer.isView(value))
        return shownList(value as ArrayLike<unknown>, depth);
      return shownObject(value as Record<string, unknown>, depth);
    default:
      return String(value);
  }
}

function shownText(text: string): string {
  const isLong = text.length > LONGEST_TEXT;
  const quoted = harmlessText(JSON.stringify(isLong ? text.slice(0, LONGEST_TEXT) : text));
  return isLong ? `${quoted.slice(0, -1)}..." (${text.length} characters)` : quoted;
}

function shownList(values: ArrayLike<unknown>, depth: number): string {
  if (values.length === 0) return '[]';
  if (depth === 0) return '[...]';
  const members = Array.from({ length: Math.min(values.length, MOST_MEMBERS) }, (_, k) =>
    shown(values[k], depth - 1),
  );
  return `[${[...members, ...(values.length > MOST_MEMBERS ? [`... (${values.length} values)`] : [])].join(',')}]`;
}

function shownObject(value: Readonly<Record<string, unknown>>, depth: number): string {
  const keys = Object.keys(value);
  if (keys.length === 0) return '{}';
  if (depth === 0) return '{...}';
  const members = keys
    .slice(0, MOST_MEMBERS)
    .map((key) => `${shownText(key)}:${shown(value[key], depth - 1)}`);
  return `{${[...members, ...(keys.length > MOST_MEMBERS ? [`... (${keys.length} keys)`] : [])].join(',')}}`;
}
