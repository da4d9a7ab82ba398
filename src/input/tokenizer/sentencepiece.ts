import { join } from 'node:path';
import { isLfsPointer, lfsPointer } from '../../files/lfs-pointer.js';
import { readBytes, withFile } from '../../files/open-file.js';
import { decodeSentencePiece } from './token-decoder.js';
import { TokenList } from './token-list.js';
import type { Tokenizer } from './tokenizer.js';

/** The largest has some 6 MB. */
const MOST_BYTES = 2 ** 28;

/** Wire types of Protocol Buffers. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** Fields of sentencepiece_model.proto: the pieces of a model, and of a piece its text and its type. */
const PIECES = 1;
const PIECE = 1;
const TYPE = 3;

/** Types of pieces that stand for no text. */
const UNKNOWN = 2;
const CONTROL = 3;

/**
 * Opens sentencepiece's own format, a message of Protocol Buffers: a piece's id is its place. Of all else that it holds
 * nothing is looked at.
 *
 * @throws InputError for a file that is none
 */
export async function openSentencePiece(directory: string, name: string): Promise<Tokenizer> {
  const file = join(directory, name);
  const list = new TokenList(file);
  const bytes = await withFile(file, 'the tokenizer', (opened) => {
    if (opened.size > MOST_BYTES) throw list.invalid(`it has ${opened.size} bytes`);
    return readBytes(opened, 0, opened.size);
  });
  if (isLfsPointer(bytes)) throw lfsPointer(file);
  let id = 0;
  for (const { field, value } of fieldsOf(bytes, list)) {
    if (field !== PIECES || typeof value === 'number') continue;
    let text: string | undefined;
    let type = 1;
    for (const part of fieldsOf(value, list)) {
      if (part.field === PIECE && typeof part.value !== 'number') text = utf8.decode(part.value);
      if (part.field === TYPE && typeof part.value === 'number') type = part.value;
    }
    if (type === UNKNOWN || type === CONTROL) list.addText(id++, { content: text, special: true });
    else list.add(id++, text);
  }
  await list.addLaterTokens(directory);
  return list.tokenizer({ is: 'known', decode: decodeSentencePiece });
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The fields of a message in their order: numbers, and the bytes of those that have a length. */
function* fieldsOf(
  bytes: Uint8Array,
  list: TokenList,
): Generator<{ field: number; value: number | Uint8Array }> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; factor < 2 ** 63; factor *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw list.invalid('it ends early');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw list.invalid('it is no message of sentencepiece');
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw list.invalid('it ends early');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const field = Math.floor(key / 8);
    switch (key % 8) {
      case VARINT:
        yield { field, value: varint() };
        break;
      case LENGTH:
        yield { field, value: take(varint()) };
        break;
      case FIXED64:
        take(8);
        break;
      case FIXED32:
        take(4);
        break;
      default:
        throw list.invalid('it is no message of sentencepiece');
    }
  }
}
