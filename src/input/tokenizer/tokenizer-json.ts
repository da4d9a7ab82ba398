import { asRecord } from '../../files/json.js';
import { readJsonObject } from '../../files/json-file.js';
import { createTokenDecoder } from './token-decoder.js';
import { TokenList } from './token-list.js';
import type { Tokenizer } from './tokenizer.js';

/** Opens a tokenizer.json, as the tokenizers library writes it. @throws InputError for a file that is none */
export async function openTokenizerJson(file: string): Promise<Tokenizer> {
  const { model, added_tokens: added, decoder } = await readJsonObject(file, 'the tokenizer');
  const list = new TokenList(file);
  const vocabulary = asRecord(model)?.vocab;
  // A Unigram model has a list of [piece, score], every other model an object of piece to id.
  if (Array.isArray(vocabulary)) {
    for (const [id, entry] of vocabulary.entries()) list.add(id, Array.isArray(entry) ? entry[0] : undefined);
  } else {
    const pieces = asRecord(vocabulary);
    if (pieces === null) throw list.invalid('it has no vocabulary');
    for (const piece in pieces) list.add(pieces[piece], piece);
  }
  if (added !== undefined && added !== null) {
    if (!Array.isArray(added)) throw list.invalid('added_tokens is no list');
    for (const token of added) list.addText(asRecord(token)?.id, asRecord(token) ?? {});
  }
  return list.tokenizer(createTokenDecoder(decoder));
}
