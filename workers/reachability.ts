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

/** Letters and digits behind which pieces of words are tried. */
const MOST_LETTERS = 64;

/** What encodes texts. */
interface TextEncoder {
  encode: Encode;
  /** The token that stands for whatever the vocabulary does not have; null where there is none. */
  unknown: number | null;
  /** What marks the pieces that go on a word, `##`, and letters that may stand before one; null where none are marked. */
  pieces: { mark: string; letters: readonly string[] } | null;
}

/** What a folder's tokenizer can do; kept from task to task. */
interface OpenedTokenizer {
  directory: string;
  tokenizer: Tokenizer | null;
  /** Null where nothing encodes, for the reason that is given. */
  encoder: TextEncoder | null;
  problem: string;
  /** Remarks for a person. */
  notes: readonly string[];
}

let opened: OpenedTokenizer | undefined;

/** Encodes the text of every ordinary token of a range, and says whether it comes back. */
export async function reachability({
  directory,
  rows,
  limitMs,
}: Tasks['reachability']['input']): Promise<Tasks['reachability']['result']> {
  if (opened?.directory !== directory) opened = await open(directory);
  const { tokenizer, encoder, problem, notes } = opened;
  const found: Tasks['reachability']['result'] = {
    classes: new Uint8Array(rows.count),
    encodings: [],
    failures: [],
    notes: [...notes],
  };
  if (tokenizer === null) return { ...found, failures: [{ token: -1, problem: 'there is no tokenizer' }] };
  const ordinary: number[] = [];
  for (let id = rows.first; id < rows.first + rows.count; id++) {
    const known = id === encoder?.unknown ? 'special' : classWithoutEncoding(tokenizer, id);
    found.classes[id - rows.first] = tokenClasses.indexOf(known);
    if (known === 'unknown' && tokenizer.text(id) !== null) ordinary.push(id);
  }
  if (encoder === null) return { ...found, failures: [{ token: -1, problem }] };
  encodeAll(ordinary, { tokenizer, encoder, first: rows.first, limitMs }, found);
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
  const none = (problem: string) => ({ directory, tokenizer, encoder: null, problem, notes: [] });
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
    const model = asRecord(json.model) ?? {};
    return {
      directory,
      tokenizer,
      encoder: { encode, unknown: unknownToken(model), pieces: piecesOf(model, tokenizer, encode) },
      problem: '',
      notes: notesOn(model),
    };
  } catch (error) {
    const type = String(asRecord(json.model)?.type ?? 'without a type');
    return none(`a tokenizer ${type} that cannot be encoded with: ${(error as Error).message}`);
  }
}

/** Id of the token that stands for what a model's vocabulary does not have. */
function unknownToken({ unk_id: id, unk_token: piece, vocab }: Record<string, unknown>): number | null {
  if (typeof id === 'number') return id;
  const found = typeof piece === 'string' ? asRecord(vocab)?.[piece] : undefined;
  return typeof found === 'number' ? found : null;
}

/** How the pieces of a WordPiece vocabulary go on a word. */
function piecesOf(
  { type, continuing_subword_prefix: mark = '##' }: Record<string, unknown>,
  tokenizer: Tokenizer | null,
  encode: Encode,
): TextEncoder['pieces'] {
  if (type !== 'WordPiece' || typeof mark !== 'string' || mark === '' || tokenizer === null) return null;
  const letters: string[] = [];
  for (let id = 0; id < tokenizer.tokens && letters.length < MOST_LETTERS; id++) {
    const text = tokenizer.text(id);
    // Not what may be a word by itself beside other letters, as a Chinese character is.
    if (text === null || !/^[\p{L}\p{N}]$/u.test(text) || /\p{Script=Han}/u.test(text)) continue;
    if (isAlone(id, encode(text))) letters.push(text);
  }
  return { mark, letters };
}

function notesOn({ type, merges }: Record<string, unknown>): string[] {
  const isWithoutMerges = type === 'BPE' && (!Array.isArray(merges) || merges.length === 0);
  return isWithoutMerges
    ? ['tokenizer.json has no merges: by it, no text is encoded as a token of several characters']
    : [];
}

const isAlone = (token: number, ids: readonly number[]) => ids.length === 1 && ids[0] === token;

/** Encodes tokens one by one, and gives up where one takes too long: those behind it stay unknown. */
function encodeAll(
  ids: readonly number[],
  {
    tokenizer,
    encoder,
    first,
    limitMs,
  }: { tokenizer: Tokenizer; encoder: TextEncoder; first: number; limitMs: number },
  found: Tasks['reachability']['result'],
): void {
  let next = 0;
  for (let tries = 0; next < ids.length; ) {
    endIfInterrupted();
    const before = next;
    const hasEnded = endsWithin(limitMs, () => {
      for (const end = Math.min(before + BATCH, ids.length); next < end; next++) {
        const id = ids[next]!;
        found.classes[id - first] = tokenClasses.indexOf(encodeOne(id, tokenizer.text(id)!, encoder, found));
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
  { encode, pieces }: TextEncoder,
  { encodings, failures }: Tasks['reachability']['result'],
): TokenClass {
  const failed = (problem: string): TokenClass => {
    failures.push({ token, problem });
    return 'unknown';
  };
  if (text.length > LONGEST_TEXT)
    return failed(`has ${text.length} characters, at most ${LONGEST_TEXT} are encoded`);
  try {
    const goesOn = pieces !== null && text.startsWith(pieces.mark) && text.length > pieces.mark.length;
    const ids = goesOn
      ? encodeWithin(token, text.slice(pieces.mark.length), { encode, letters: pieces.letters })
      : encodeAlone(token, text, encode);
    if (ids === 'reached') return 'reachable';
    if (ids === 'never apart')
      return failed('goes on a word, and stands apart behind no letter of the vocabulary that was tried');
    encodings.push({ token, ids: ids.slice(0, MOST_IDS) });
    return 'unreachable';
  } catch (error) {
    return failed((error as Error).message);
  }
}

/** Encodes a text by itself and behind another character. @returns what it is encoded as where that is not the token */
function encodeAlone(token: number, text: string, encode: Encode): readonly number[] | 'reached' {
  const ids = encode(text);
  if (isAlone(token, ids)) return 'reached';
  const before = encode(BEFORE);
  const behind = encode(BEFORE + text);
  const isBehind =
    behind.length === before.length + 1 &&
    behind.at(-1) === token &&
    before.every((id, k) => behind[k] === id);
  return isBehind ? 'reached' : ids;
}

/**
 * Encodes the text of a piece that goes on a word behind letters that are words by themselves. Where a letter stays a token of
 * its own, all of the piece is the longest that can follow: if it does not, it never does.
 *
 * @returns what the word is encoded as where it does not; 'never apart' where every letter makes a longer token with what follows
 */
function encodeWithin(
  token: number,
  text: string,
  { encode, letters }: { encode: Encode; letters: readonly string[] },
): readonly number[] | 'reached' | 'never apart' {
  for (const letter of letters) {
    const [alone] = encode(letter);
    const ids = encode(letter + text);
    if (ids[0] !== alone) continue;
    return ids.length === 2 && ids[1] === token ? 'reached' : ids;
  }
  return 'never apart';
}
