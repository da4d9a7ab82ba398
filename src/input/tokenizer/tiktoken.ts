import { join } from 'node:path';
import { readBytes, withFile } from '../../files/open-file.js';
import { readText } from '../../files/read-text.js';
import { shownValue } from '../../text/shown-value.js';
import { decodeBase64 } from './base64-token.js';
import { TokenList } from './token-list.js';
import type { Tokenizer } from './tokenizer.js';

/** A token's bytes in base64, a space, and its rank, which is its id. */
const line = /^([A-Za-z0-9+/]+={0,2}) (\d{1,10})$/;

/**
 * Opens a vocabulary in tiktoken's own format: a token a line, its bytes in base64 and its rank. Special tokens follow
 * those in number; tokenizer_config.json names them.
 *
 * @throws InputError for a file that is none
 */
export async function openTiktoken(directory: string, name: string): Promise<Tokenizer> {
  const file = join(directory, name);
  const list = new TokenList(file);
  const text = await readText(file, 'the tokenizer');
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    if (content === '') continue;
    const [, bytes, rank] = line.exec(content) ?? [];
    if (bytes === undefined) {
      throw list.invalid(`line ${index + 1} is ${shownValue(content)}, not a token in base64 and its rank`);
    }
    list.add(Number(rank), bytes);
  }
  await list.addLaterTokens(directory);
  return list.tokenizer({ is: 'known', decode: decodeBase64 });
}

/** Tells a tokenizer.model in this format, as Llama 3's is; most are sentencepiece's. */
export async function isTiktoken(file: string): Promise<boolean> {
  const head = await withFile(file, 'the tokenizer', (opened) =>
    readBytes(opened, 0, Math.min(256, opened.size)),
  );
  const [first = ''] = Buffer.from(head).toString('latin1').split(/\r?\n/);
  return line.test(first);
}
