import { asRecord } from '../../files/json.js';
import { count } from '../../text/figures.js';
import { shownValue } from '../../text/shown-value.js';
import { utf8Text } from './utf8-text.js';

/** Text of one token by itself. @param added a token of the added vocabulary, not of the model's */
export type TokenDecoder = (piece: string, added: boolean) => string;

/** A decoder, or what is said of one that is not known here. */
export type DecoderSection = { is: 'known'; decode: TokenDecoder } | { is: 'unknown'; what: string };

/** A decoder, and how much of work and text it may make of a token. */
type BoundedSection = Extract<DecoderSection, { is: 'unknown' }> | BoundedDecoder;

interface BoundedDecoder {
  is: 'known';
  decode: TokenDecoder;
  /** The text is at most so many times as long as the token. */
  growth: number;
  /** Decoders of which it is made. */
  steps: number;
}

/**
 * Makes the decoder that the `decoder` section of a tokenizer.json describes, for tokens by themselves.
 *
 * This is not the decoder of a library, because decoding one token is not decoding a text of one token: there a
 * space in front is the start of a sentence and dropped (Metaspace, Strip), and the bytes of half a character become
 * U+FFFD. Here the space is kept, because it tells two tokens apart, and the bytes are shown. Two rules of
 * WordPiece and its clean-up concern the place between two tokens and do not apply either.
 *
 * @param config the section as parsed, null where there is none: then a token is its own text
 */
export function createTokenDecoder(config: unknown): DecoderSection {
  const section = createNested(config, 0);
  if (section.is === 'unknown') return section;
  const { decode, growth, steps } = section;
  if (steps > MOST_STEPS) return unknown(`a sequence of ${count(steps)} decoders`);
  if (growth > MOST_GROWTH) {
    return unknown(`a decoder that may make a token ${growth.toPrecision(2)} times as long`);
  }
  return { is: 'known', decode };
}

/** Real ones are made of five decoders at most, and make a text longer only where they show bytes. */
const MOST_STEPS = 64;
const MOST_GROWTH = 16;

/** Decodes the alphabet of byte-level vocabularies, by itself, for a vocabulary without tokenizer.json. */
export const decodeByteLevel: TokenDecoder = (piece, added) => {
  // An added token is stored as text, not in the alphabet of bytes.
  if (added) return piece;
  const bytes = new Uint8Array(piece.length);
  for (let i = 0; i < piece.length; i++) {
    const byte = byteOfCharacter.get(piece.charCodeAt(i));
    // A piece with any other character is text, as in the tokenizers library.
    if (byte === undefined) return piece;
    bytes[i] = byte;
  }
  return utf8Text(bytes);
};

/** Decodes sentencepiece's pieces: U+2581 is a space, `<0xE4>` a byte that is no character by itself. */
export const decodeSentencePiece: TokenDecoder = (piece, added) =>
  decodeByteFallback(piece.replaceAll('\u2581', ' '), added);

/** True for a piece that ends in a mark, and is more than that. */
export function isMarked(piece: string, mark: string): boolean {
  return piece.length > mark.length && piece.endsWith(mark);
}

/** Makes the decoder of a vocabulary whose pieces end in `mark` where a word ends, or goes on. */
export function withoutMark(mark: string, decode: TokenDecoder): TokenDecoder {
  return (piece, added) =>
    decode(!added && isMarked(piece, mark) ? piece.slice(0, -mark.length) : piece, added);
}

const unchanged: TokenDecoder = (piece) => piece;

const known = (decode: TokenDecoder, growth = 1): BoundedDecoder => ({
  is: 'known',
  decode,
  growth,
  steps: 1,
});
const unknown = (what: string) => ({ is: 'unknown', what }) as const;

/** Sequences within sequences; no tokenizer has more than one. */
const DEEPEST = 16;

function createNested(config: unknown, depth: number): BoundedSection {
  if (config === null || config === undefined) return known(unchanged);
  const section = asRecord(config) ?? {};
  const step = typeof section.type === 'string' ? steps.get(section.type) : undefined;
  if (step !== undefined && depth <= DEEPEST) return step(section, depth);
  return unknown(`the decoder ${shownValue(section.type ?? config)}`);
}

const steps: ReadonlyMap<string, (config: Record<string, unknown>, depth: number) => BoundedSection> =
  new Map([
    ['ByteLevel', () => known(decodeByteLevel, '<0xE4>'.length)],
    ['ByteFallback', () => known(decodeByteFallback)],
    [
      'Metaspace',
      ({ replacement }) => known(replacing(typeof replacement === 'string' ? replacement : '\u2581', ' ')),
    ],
    ['Replace', createReplace],
    ['BPEDecoder', ({ suffix }) => known(replacing(typeof suffix === 'string' ? suffix : '</w>', ''))],
    ['Sequence', createSequence],
    // These act between tokens, or on the start of a text.
    ['Fuse', () => known(unchanged)],
    ['Strip', () => known(unchanged)],
    ['WordPiece', () => known(unchanged)],
  ]);

/** A piece `<0xE4>` is that byte; by itself it is a character only below 0x80. */
const decodeByteFallback: TokenDecoder = (piece) => {
  const byte = /^<0x([0-9a-f]{2})>$/i.exec(piece);
  return byte === null ? piece : utf8Text(Uint8Array.of(Number.parseInt(byte[1]!, 16)));
};

function createReplace({ pattern, content }: Record<string, unknown>): BoundedSection {
  const text = asRecord(pattern)?.String;
  if (typeof text === 'string' && typeof content === 'string') {
    return known(replacing(text, content), text === '' ? 1 : Math.max(1, content.length / text.length));
  }
  // A file's own regular expression could run for ever on a word of its own.
  const regex = asRecord(pattern)?.Regex;
  return unknown(
    `a decoder that replaces ${regex === undefined ? 'no text' : `the pattern ${shownValue(regex)}`}`,
  );
}

function createSequence({ decoders }: Record<string, unknown>, depth: number): BoundedSection {
  if (!Array.isArray(decoders)) return unknown('a sequence without decoders');
  const parts: BoundedDecoder[] = [];
  for (const part of decoders as unknown[]) {
    const section = createNested(part, depth + 1);
    if (section.is === 'unknown') return section;
    parts.push(section);
  }
  return {
    is: 'known',
    decode: (piece, added) => parts.reduce((text, { decode }) => decode(text, added), piece),
    growth: parts.reduce((product, { growth }) => product * growth, 1),
    steps: parts.reduce((sum, { steps }) => sum + steps, 0),
  };
}

function replacing(text: string, by: string): TokenDecoder {
  // An empty pattern would match between all characters.
  return text === '' ? unchanged : (piece) => piece.replaceAll(text, () => by);
}

/**
 * The alphabet of byte-level vocabularies, character code to byte: printable bytes stand for themselves, the others
 * for the characters from U+0100, in order. As bytes_to_unicode of GPT-2,
 * https://github.com/openai/gpt-2/blob/9b63575ef42771a015060c964af2c3da4cf7c8ab/src/encoder.py#L9
 */
const byteOfCharacter: ReadonlyMap<number, number> = new Map(
  (() => {
    const isPrintable = (byte: number) =>
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    let next = 0x100;
    return Array.from({ length: 256 }, (_, byte) => [isPrintable(byte) ? byte : next++, byte] as const);
  })(),
);
