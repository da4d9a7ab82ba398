import { shortText } from '../text/short-text.js';
import { harmlessJson, harmlessText } from '../text/visible-text.js';

/** Columns of a line of a screen: those of the longest path, and words around it. */
const LONGEST_LINE = 4400;

/** Makes a text fit to be read on a terminal: names of a file or a server may be of any length, and hold commands of it. */
export function screenText(text: string): string {
  return text
    .split('\n')
    .map((line) => shortText(harmlessText(line.slice(0, LONGEST_LINE * 8)), LONGEST_LINE))
    .join('\n');
}

/** Writes a value as JSON; on a terminal nothing in it acts, and what is read of it is the same. */
export function answerJson(value: unknown, isTerminal = process.stdout.isTTY === true): string {
  const json = JSON.stringify(value);
  return isTerminal ? harmlessJson(json) : json;
}
