import { basename, join } from 'node:path';
import { InputError } from '../../errors.js';
import { exists } from '../../files/exists.js';
import { asRecord } from '../../files/json.js';
import { readJsonObject } from '../../files/json-file.js';
import { shownValue } from '../../text/shown-value.js';
import type { DecoderSection } from './token-decoder.js';
import type { Tokenizer } from './tokenizer.js';

interface Token {
  piece: string;
  added: boolean;
  special: boolean;
}

/** Tokens by their ids, as the files of one tokenizer list them. */
export class TokenList {
  readonly #file: string;
  /** By their ids. With holes, and no Map: of ids as keys of one a file could choose many that fall into one place. */
  readonly #tokens: Token[] = [];
  /** In the order in which they came; some may be there twice. */
  readonly #ids: number[] = [];

  /** @param file where the vocabulary is, for messages */
  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Adds a token of the model's vocabulary.
   *
   * @throws InputError where its piece is no text, or its id no token's
   */
  add(id: unknown, piece: unknown): void {
    if (typeof piece !== 'string') throw this.invalid(`token ${shownValue(id)} has no text`);
    this.#set(this.#checkId(id, piece), { piece, added: false, special: false });
  }

  /**
   * Adds a token that is stored as text. It takes the place of the model's token of its id: it is that token, described
   * better.
   *
   * @param file that describes it
   * @throws InputError where it has no text, or its id is no token's
   */
  addText(
    id: unknown,
    { content, special }: { content?: unknown; special?: unknown },
    file = this.#file,
  ): void {
    if (typeof content !== 'string') throw invalid(file, `added token ${shownValue(id)} has no text`);
    this.#set(this.#checkId(id, content), { piece: content, added: true, special: special === true });
  }

  /** Adds the tokens that were added later: in added_tokens.json, and described in tokenizer_config.json. */
  async addLaterTokens(directory: string): Promise<void> {
    const added = join(directory, 'added_tokens.json');
    if (await exists(added, 'the added tokens')) {
      for (const [content, id] of Object.entries(await readJsonObject(added, 'the added tokens'))) {
        this.addText(id, { content }, added);
      }
    }
    const config = join(directory, 'tokenizer_config.json');
    if (!(await exists(config, "the tokenizer's configuration"))) return;
    const { added_tokens_decoder: described } = await readJsonObject(config, "the tokenizer's configuration");
    for (const [id, token] of Object.entries(asRecord(described) ?? {})) {
      this.addText(Number(id), asRecord(token) ?? {}, config);
    }
  }

  /** True where some piece of the model's vocabulary is of this kind. */
  some(isSuch: (piece: string) => boolean): boolean {
    return this.#ids.some((id) => {
      const { piece, added } = this.#tokens[id]!;
      return !added && isSuch(piece);
    });
  }

  /**
   * Makes the tokenizer of these tokens.
   *
   * @throws InputError where there is no token
   */
  tokenizer(decoder: DecoderSection): Tokenizer {
    const tokens = this.#tokens;
    if (tokens.length === 0) throw this.invalid('it has no token');
    // A decoder that knows such pieces makes a character of this one.
    const fallsBack = decoder.is === 'known' && decoder.decode('<0x41>', false) === 'A';
    const notes =
      decoder.is === 'known'
        ? []
        : [
            `${basename(this.#file)} has ${decoder.what}, which is not known here: the text of its tokens is left out`,
          ];
    return {
      tokens: tokens.length,
      notes,
      has: (id) => tokens[id] !== undefined,
      text(id) {
        const token = tokens[id];
        return token === undefined || decoder.is === 'unknown'
          ? null
          : decoder.decode(token.piece, token.added);
      },
      isSpecial: (id) => tokens[id]?.special ?? false,
      isByte: (id) => fallsBack && isBytePiece(tokens[id]),
      isPartial: (id) => {
        const token = tokens[id];
        if (token === undefined || token.added || decoder.is === 'unknown') return false;
        return shownByte.test(decoder.decode(token.piece, false)) && !shownByte.test(token.piece);
      },
    };
  }

  /** The error for a file that is none of a tokenizer. */
  invalid(problem: string): InputError {
    return invalid(this.#file, problem);
  }

  #set(id: number, token: Token): void {
    this.#tokens[id] = token;
    this.#ids.push(id);
  }

  #checkId(id: unknown, piece: string): number {
    if (Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) <= MAX_ID) return id as number;
    throw this.invalid(`token ${shownValue(piece)} has the id ${shownValue(id)}`);
  }
}

/** A byte that is no character by itself, as texts show it. */
const shownByte = /<0x[0-9A-F]{2}>/;

function isBytePiece(token: Token | undefined): boolean {
  return token !== undefined && !token.added && /^<0x[0-9a-f]{2}>$/i.test(token.piece);
}

/** The range of token ids in the partitions, int32. */
const MAX_ID = 2 ** 31 - 2;

function invalid(file: string, problem: string): InputError {
  return new InputError(
    `${file}: not a readable tokenizer: ${problem}, expected the files of a Hugging Face tokenizer; ` +
      'copy it from a good source',
  );
}
