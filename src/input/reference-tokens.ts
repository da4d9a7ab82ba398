import { existsSync } from 'node:fs';
import { InputError } from '../errors.js';
import { readText } from '../files/read-text.js';
import { shownValue } from '../text/shown-value.js';

/** Ids in a list; a vocabulary has some hundred thousand. */
const MOST_IDS = 2 ** 22;

/**
 * Reads ids of tokens: `1,2,5:9` names them, with ranges from:to without the last one; any other text is the path of a file
 * that holds such ids, separated by commas, spaces or lines.
 *
 * @throws InputError where something is no id
 */
export async function readReferenceTokens(given: string): Promise<number[]> {
  if (/^[\d:,]+$/.test(given)) return parseIds(given, '--reference');
  if (given.includes(',') && !existsSync(given)) return parseIds(given, '--reference');
  return parseIds(await readText(given, 'ids of tokens'), given);
}

function parseIds(text: string, where: string): number[] {
  const ids: number[] = [];
  for (const [word] of text.replace(/^\ufeff/, '').matchAll(/[^\s,]+/g)) {
    const [, from, to] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(word) ?? [];
    const first = Number(from);
    const end = to === undefined ? first + 1 : Number(to);
    if (from === undefined || !(end > first))
      throw new InputError(
        `${where}: ${shownValue(word)} is no id of a token; give ids, or ranges from:to without the last one, as 1,2,5:9`,
      );
    if (ids.length + end - first > MOST_IDS)
      throw new InputError(`${where}: names more than ${MOST_IDS} tokens, which no vocabulary has`);
    for (let id = first; id < end; id++) ids.push(id);
  }
  if (ids.length > 0) return ids;
  throw new InputError(`${where}: holds no ids of tokens; give some, as 1,2,5:9`);
}
