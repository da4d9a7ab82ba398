import { existsSync } from 'node:fs';
import path from 'node:path';
import { Tokenizer as Encoder } from '@huggingface/tokenizers';
import type { Tasks } from '../src/executor/tasks.js';
import { asRecord } from '../src/files/json.js';
import { readJsonObject } from '../src/files/json-file.js';
import { openTokenizer } from '../src/input/tokenizer/open-tokenizer.js';
import type { Tokenizer } from '../src/input/tokenizer/tokenizer.js';
import { type TokenClass, tokenClasses } from '../src/tables/token-classes.js';
import { endIfInterrupted } from './interruption.js';
import { endsWithin } from './limited.js';
import { rowsReport } from './rows-report.js';

/**
 * A character before the text: tokens that are never the first of a text are reached behind it. No letter, which might be a
 * part of the same word, and no space.
 */
const BEFORE = '«';

/** Tokens that are encoded between two looks at the clock; a hundred thousand take some seconds. */
const BATCH = 256;

/** How often a batch that takes too long is tried: the machine itself may have stood still. */
const TRIES = 3;

/** Characters of the longest text that is encoded, and ids that are kept of an encoding. */
const LONGEST_TEXT = 4096;
const MOST_IDS = 16;

/** Ids of a text. */
type Encode = (text: string) => readonly number[];

/** What a folder's tokenizer can do; kept from task to task. */
interface OpenedTokenizer {
  directory: string;
  tokenizer: Tokenizer | null;
  /** Null where nothing encodes, for the reason that is given. */
  encode: Encode | null;
  problem: string;
}

let opened: OpenedTokenizer | undefined;

/** Encodes the text of every ordinary token of a range, and says whether it comes back. */
export async function reachability({
  directory,
  rows,
  limitMs,
}: Tasks['reachability']['input']): Promise<Tasks['reachability']['result']> {
  if (opened?.directory !== directory) opened = await open(directory);
  const { tokenizer, encode, problem } = opened;
  const found: Tasks['reachability']['result'] = {
    classes: new Uint8Array(rows.count),
    encodings: [],
    failures: [],
  };
  if (tokenizer === null) return found;
  const ordinary: number[] = [];
  for (let id = rows.first; id < rows.first + rows.count; id++) {
    const known = classWithoutEncoding(tokenizer, id);
    found.classes[id - rows.first] = tokenClasses.indexOf(known);
    if (known === 'unknown' && tokenizer.text(id) !== null) ordinary.push(id);
  }
  if (encode === null) return { ...found, failures: [{ token: -1, problem }] };
  encodeAll(ordinary, { tokenizer, encode, first: rows.first, limitMs }, found);
  return found;
}

function classWithoutEncoding(tokenizer: Tokenizer, id: number): TokenClass {
  if (!tokenizer.has(id)) return 'orphan';
  if (tokenizer.isSpecial(id)) return 'special';
  if (tokenizer.isByte(id)) return 'byte fallback';
  return tokenizer.isPartial(id) ? 'partial UTF-8' : 'unknown';
}

async function open(directory: string): Promise<OpenedTokenizer> {
  const tokenizer = await openTokenizer(directory);
  const none = (problem: string) => ({ directory, tokenizer, encode: null, problem });
  const file = path.join(directory, 'tokenizer.json');
  if (!existsSync(file)) return none('there is no tokenizer.json, by which alone texts are encoded');
  const config = path.join(directory, 'tokenizer_config.json');
  const settings = existsSync(config) ? await readJsonObject(config, "the tokenizer's configuration") : {};
  const json = await readJsonObject(file, 'the tokenizer');
  try {
    // What it asks for, and does not need to encode: decoding is our own, and no special tokens are added.
    const needless = { decoder: null, post_processor: null };
    const absent = { normalizer: null, pre_tokenizer: null };
    const encoder = new Encoder(
      { ...absent, ...json, ...needless, added_tokens: json.added_tokens ?? [] },
      settings,
    );
    const encode: Encode = (text) => encoder.encode(text, { add_special_tokens: false }).ids;
    return { directory, tokenizer, encode, problem: '' };
  } catch (error) {
    const type = String(asRecord(json.model)?.type ?? 'without a type');
    return none(`a tokenizer ${type} that cannot be encoded with: ${(error as Error).message}`);
  }
}

/** Encodes tokens one by one, and gives up where one takes too long: those behind it stay unknown. */
function encodeAll(
  ids: readonly number[],
  {
    tokenizer,
    encode,
    first,
    limitMs,
  }: { tokenizer: Tokenizer; encode: Encode; first: number; limitMs: number },
  found: Tasks['reachability']['result'],
): void {
  let next = 0;
  for (let tries = 0; next < ids.length; ) {
    endIfInterrupted();
    const before = next;
    const hasEnded = endsWithin(limitMs, () => {
      for (const end = Math.min(before + BATCH, ids.length); next < end; next++) {
        const id = ids[next]!;
        found.classes[id - first] = tokenClasses.indexOf(encodeOne(id, tokenizer.text(id)!, encode, found));
      }
    });
    rowsReport.advance(next - before);
    tries = hasEnded || next > before ? 0 : tries + 1;
    if (tries < TRIES) continue;
    found.failures.push({
      token: ids[next]!,
      problem: 'takes too long to be encoded; no token behind it was tried',
    });
    return;
  }
}

function encodeOne(
  token: number,
  text: string,
  encode: Encode,
  { encodings, failures }: Tasks['reachability']['result'],
): TokenClass {
  if (text.length > LONGEST_TEXT) {
    failures.push({ token, problem: `has ${text.length} characters, at most ${LONGEST_TEXT} are encoded` });
    return 'unknown';
  }
  try {
    const ids = encode(text);
    if (ids.length === 1 && ids[0] === token) return 'reachable';
    const before = encode(BEFORE);
    const behind = encode(BEFORE + text);
    const isBehind =
      behind.length === before.length + 1 &&
      behind.at(-1) === token &&
      before.every((id, k) => behind[k] === id);
    if (isBehind) return 'reachable';
    encodings.push({ token, ids: ids.slice(0, MOST_IDS) });
    return 'unreachable';
  } catch (error) {
    failures.push({ token, problem: (error as Error).message });
    return 'unknown';
  }
}
