import { join } from 'node:path';
import { readJsonObject } from '../../files/json-file.js';
import { decodeByteLevel, isMarked, type TokenDecoder, withoutMark } from './token-decoder.js';
import { TokenList } from './token-list.js';
import type { Tokenizer } from './tokenizer.js';

/**
 * Opens a vocab.json, which does not say how its pieces are written; the pieces do. Byte-level vocabularies have a piece
 * with the letter of a space, those of words mark the end of a word (OpenAI GPT), or that it goes on (CTRL), and CLIP's
 * does both.
 *
 * @throws InputError for a file that is none
 */
export async function openVocabularyJson(directory: string): Promise<Tokenizer> {
  const file = join(directory, 'vocab.json');
  const list = new TokenList(file);
  const pieces = await readJsonObject(file, 'the vocabulary');
  for (const piece in pieces) list.add(pieces[piece], piece);
  const decode = decoderOf(list);
  await list.addLaterTokens(directory);
  return list.tokenizer({ is: 'known', decode });
}

const WORD_END = '</w>';
const WORD_GOES_ON = '@@';

/** U+0120, what byte-level vocabularies write for a space. */
const BYTE_LEVEL_SPACE = '\u0120';

const asItIs: TokenDecoder = (piece) => piece;

function decoderOf(list: TokenList): TokenDecoder {
  const isByteLevel = list.some((piece) => piece.includes(BYTE_LEVEL_SPACE));
  const mark = [WORD_END, WORD_GOES_ON].find((known) => list.some((piece) => isMarked(piece, known)));
  if (mark === undefined) return decodeByteLevel;
  if (!isByteLevel) return withoutMark(mark, asItIs);
  // '@@' may be a piece of bytes like any other.
  return mark === WORD_END ? withoutMark(mark, decodeByteLevel) : decodeByteLevel;
}
