import { asRecord } from '../../files/json.js';
import { readJsonObject } from '../../files/json-file.js';
import { shownValue } from '../../text/shown-value.js';
import { decodeBase64 } from './base64-token.js';
import { TokenList } from './token-list.js';
import type { Tokenizer } from './tokenizer.js';

/** The special tokens of files that do not list them, version 7 and before, as mistral-common has them, by id. */
const formerSpecialTokens: readonly string[] = [
  ...[
    '<unk>',
    '<s>',
    '</s>',
    '[INST]',
    '[/INST]',
    '[AVAILABLE_TOOLS]',
    '[/AVAILABLE_TOOLS]',
    '[TOOL_RESULTS]',
  ],
  ...[
    '[/TOOL_RESULTS]',
    '[TOOL_CALLS]',
    '[IMG]',
    '<pad>',
    '[IMG_BREAK]',
    '[IMG_END]',
    '[PREFIX]',
    '[MIDDLE]',
  ],
  ...['[SUFFIX]', '[SYSTEM_PROMPT]', '[/SYSTEM_PROMPT]', '[TOOL_CONTENT]'],
];

/**
 * Opens a tekken.json, Mistral's own format: the first ids are those of the special tokens, named or not, and the
 * vocabulary follows by rank, cut where `default_vocab_size` is reached.
 *
 * @throws InputError for a file that is none
 */
export async function openTekken(file: string): Promise<Tokenizer> {
  const { config, vocab, special_tokens: special } = await readJsonObject(file, 'the tokenizer');
  const list = new TokenList(file);
  const { default_vocab_size: size, default_num_special_tokens: reserved } = asRecord(config) ?? {};
  if (!isCount(size) || !isCount(reserved) || !Array.isArray(vocab)) {
    throw list.invalid(
      'it has no vocab, or no config with default_vocab_size and default_num_special_tokens',
    );
  }
  const named =
    special ?? formerSpecialTokens.map((text, rank) => ({ rank, token_str: text, is_control: true }));
  if (!Array.isArray(named)) throw list.invalid('special_tokens is no list');
  // A number alone must not ask for any number of tokens.
  if (reserved > MOST_RESERVED) throw list.invalid(`it reserves ${reserved} special tokens`);
  for (let id = named.length; id < reserved; id++) {
    list.addText(id, { content: `<SPECIAL_${id}>`, special: true });
  }
  for (const token of named) {
    const { rank, token_str: content, is_control: isControl } = asRecord(token) ?? {};
    if (typeof rank === 'number' && rank >= reserved) continue;
    list.addText(rank, { content, special: isControl !== false });
  }
  for (const token of vocab) {
    const { rank, token_bytes: bytes } = asRecord(token) ?? {};
    if (!isCount(rank)) throw list.invalid(`a token has the rank ${shownValue(rank)}`);
    if (rank < size - reserved) list.add(rank + reserved, bytes);
  }
  return list.tokenizer({ is: 'known', decode: decodeBase64 });
}

/** Mistral's files reserve 1,000. */
const MOST_RESERVED = 100_000;

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
