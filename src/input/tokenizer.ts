import { join } from 'node:path';
import { InputError } from '../errors.js';
import { exists } from '../files/exists.js';
import { asRecord } from '../files/json.js';
import { readJsonObject } from '../files/json-file.js';
import { createTokenDecoder, decodeByteLevel, type TokenDecoder } from './token-decoder.js';

/** What a checkpoint's tokenizer says of its tokens. It tokenises nothing. */
export interface Tokenizer {
  /** The highest token id + 1, over the model's vocabulary and the added tokens. */
  tokens: number;
  /**
   * What the token decodes to by itself: a space in front is kept, bytes that are no character by themselves are
   * shown as `<0xE4><0xB8>`. Null where the tokenizer has no token of this id.
   */
  text(id: number): string | null;
  /** True for a token that stands for no text: the end of a text, a turn of a conversation. */
  isSpecial(id: number): boolean;
}

/**
 * Opens the tokenizer of a Hugging Face directory: tokenizer.json, or else vocab.json with merges.txt, the two
 * files of GPT-2's and other byte-level tokenizers.
 *
 * @returns null where neither is there
 * @throws InputError for a file that is none, or one whose decoder is not known
 */
export async function openTokenizer(directory: string): Promise<Tokenizer | null> {
  const file = join(directory, 'tokenizer.json');
  if (await exists(file, 'the tokenizer')) return openTokenizerFile(file);
  const vocabulary = join(directory, 'vocab.json');
  const isByteLevel =
    (await exists(vocabulary, 'the vocabulary')) &&
    (await exists(join(directory, 'merges.txt'), 'the merges'));
  return isByteLevel ? openVocabulary(vocabulary, directory) : null;
}

interface Token {
  piece: string;
  added: boolean;
  special: boolean;
}

type Tokens = Map<number, Token>;

async function openTokenizerFile(file: string): Promise<Tokenizer> {
  const { model, added_tokens: added, decoder } = await readJsonObject(file, 'the tokenizer');
  const vocabulary = asRecord(model)?.vocab;
  const tokens: Tokens = new Map();
  // A Unigram model has a list of [piece, score], every other model an object of piece to id.
  if (Array.isArray(vocabulary)) {
    for (const [id, entry] of vocabulary.entries()) {
      addToken(tokens, file, id, Array.isArray(entry) ? entry[0] : undefined);
    }
  } else addPieces(tokens, file, vocabulary);
  if (added !== undefined && added !== null) {
    if (!Array.isArray(added)) throw invalid(file, 'added_tokens is no list');
    for (const token of added) addAddedToken(tokens, file, asRecord(token)?.id, token);
  }
  return createTokenizer(file, tokens, createTokenDecoder(decoder, file));
}

/** GPT-2's files; tokens that were added later are in added_tokens.json, and described in tokenizer_config.json. */
async function openVocabulary(file: string, directory: string): Promise<Tokenizer> {
  const tokens: Tokens = new Map();
  addPieces(tokens, file, await readJsonObject(file, 'the vocabulary'));
  const added = join(directory, 'added_tokens.json');
  if (await exists(added, 'the added tokens')) {
    for (const [content, id] of Object.entries(await readJsonObject(added, 'the added tokens'))) {
      addAddedToken(tokens, added, id, { content });
    }
  }
  const config = join(directory, 'tokenizer_config.json');
  if (await exists(config, "the tokenizer's configuration")) {
    const described = asRecord(
      (await readJsonObject(config, "the tokenizer's configuration")).added_tokens_decoder,
    );
    for (const [id, token] of Object.entries(described ?? {})) {
      addAddedToken(tokens, config, Number(id), token);
    }
  }
  return createTokenizer(file, tokens, decodeByteLevel);
}

function createTokenizer(file: string, tokens: Tokens, decode: TokenDecoder): Tokenizer {
  if (tokens.size === 0) throw invalid(file, 'it has no token');
  let highest = 0;
  for (const id of tokens.keys()) highest = Math.max(highest, id);
  return {
    tokens: highest + 1,
    text(id) {
      const token = tokens.get(id);
      return token === undefined ? null : decode(token.piece, token.added);
    },
    isSpecial: (id) => tokens.get(id)?.special ?? false,
  };
}

function addPieces(tokens: Tokens, file: string, vocabulary: unknown): void {
  const pieces = asRecord(vocabulary);
  if (pieces === null) throw invalid(file, 'it has no vocabulary');
  for (const piece in pieces) addToken(tokens, file, pieces[piece], piece);
}

function addToken(tokens: Tokens, file: string, id: unknown, piece: unknown): void {
  if (typeof piece !== 'string') throw invalid(file, `token ${JSON.stringify(id)} has no text`);
  tokens.set(checkId(file, id, piece), { piece, added: false, special: false });
}

/** An added token takes the place of the model's token of the same id: it is the same token, described better. */
function addAddedToken(tokens: Tokens, file: string, id: unknown, token: unknown): void {
  const { content, special } = asRecord(token) ?? {};
  if (typeof content !== 'string') throw invalid(file, `added token ${JSON.stringify(id)} has no text`);
  tokens.set(checkId(file, id, content), { piece: content, added: true, special: special === true });
}

function checkId(file: string, id: unknown, piece: string): number {
  if (Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) <= MAX_ID) return id as number;
  throw invalid(file, `token ${JSON.stringify(piece)} has the id ${JSON.stringify(id)}`);
}

/** The range of token ids in the partitions, int32. */
const MAX_ID = 2 ** 31 - 2;

function invalid(file: string, problem: string): InputError {
  return new InputError(
    `${file}: not a readable tokenizer: ${problem}, expected the files of a Hugging Face tokenizer; ` +
      'download it again',
  );
}
