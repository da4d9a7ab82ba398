import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EigenshardError } from '../../src/errors.js';
import { inspectModel } from '../../src/input/inspect-model.js';
import { openTokenizer } from '../../src/input/tokenizer/open-tokenizer.js';
import { trials } from '../helpers/campaign.js';
import { checkpointDirectory, matrix } from '../helpers/checkpoints.js';
import { randomNumbers } from '../helpers/random.js';

const TRIALS = trials(300);

/** What a file of JSON never has in the place where it is put. */
const odd: readonly unknown[] = [
  ...[
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e308,
    2 ** 31,
    2 ** 53,
    '',
    'a',
    '__proto__',
    '../x',
    'x'.repeat(10_000),
    '\u0000',
  ],
  ...[
    [],
    {},
    [[]],
    [null],
    [['a', 1]],
    { id: 1 },
    { toString: 1 },
    { content: 'x', id: 0 },
    { type: 'Sequence' },
  ],
  ...[{ type: 'Replace', pattern: { String: 'a' }, content: 'aa' }, { String: '' }, { Regex: '(a+)+$' }],
];

/** Changes members of a value somewhere, or the text that it is written as. */
function changedText(value: unknown, random: () => number): string {
  const any = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)]!;
  const copy = structuredClone(value) as Record<string, unknown>;
  do {
    let at = copy;
    for (let keys = Object.keys(at); keys.length > 0; keys = Object.keys(at)) {
      const key = any(keys);
      const inner = at[key];
      if (typeof inner === 'object' && inner !== null && random() < 0.75)
        at = inner as Record<string, unknown>;
      else {
        if (random() < 0.2) delete at[key];
        else
          at[random() < 0.1 ? any(['type', 'id', 'vocab', 'text_config']) : key] = structuredClone(any(odd));
        break;
      }
    }
  } while (random() < 0.4);
  let text = JSON.stringify(copy);
  if (random() < 0.15) {
    const from = Math.floor(random() * text.length);
    text =
      text.slice(0, from) +
      any(['', ',', '}', '"', '\\', 'NaN', '\u202e', '{"a":1,"a":2}']) +
      text.slice(from + 1);
  }
  return random() < 0.05 ? text.slice(0, Math.floor(random() * text.length)) : text;
}

const config = {
  model_type: 'test',
  hidden_size: 3,
  vocab_size: 4,
  tie_word_embeddings: false,
  text_config: { hidden_size: 3, vocab_size: 4, n_embd: 3, text_config: { dim: 3 } },
};
const index = { metadata: {}, weight_map: { 'lm_head.weight': 'a.safetensors', x: 'a.safetensors' } };
const tokenizer = {
  model: { type: 'BPE', vocab: { a: 0, 'b\u2581': 1, '<0xE4>': 2, c: 3 }, merges: [['a', 'b']] },
  added_tokens: [{ id: 4, content: '<x>', special: true }],
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '\u2581' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
    ],
  },
};
const added = { '<y>': 5, '<z>': 6 };
const described = { added_tokens_decoder: { 3: { content: '<w>', special: true } } };
const tekken = {
  config: { default_vocab_size: 6, default_num_special_tokens: 2 },
  vocab: [
    { rank: 0, token_bytes: 'YQ==', token_str: 'a' },
    { rank: 1, token_bytes: 'Yg==', token_str: 'b' },
  ],
  special_tokens: [{ rank: 0, token_str: '<s>', is_control: true }],
};

/** Writes changed files and does something with them, whose failure must be one that is told on one line. */
async function campaign(
  t: ExecutionContext,
  { name, value, seed }: { name: string; value: unknown; seed: number },
  use: (directory: string) => Promise<void>,
): Promise<void> {
  const shards = { 'a.safetensors': [matrix('lm_head.weight'), matrix('x')] };
  const directory = checkpointDirectory(t, { config, shards, files: { 'merges.txt': '' } });
  const others = { 'tokenizer.json': tokenizer, 'vocab.json': tokenizer.model.vocab, 'tekken.json': tekken };
  for (const [file, content] of Object.entries(others)) {
    if (file === name) writeFileSync(join(directory, file), JSON.stringify(content));
  }
  if (['added_tokens.json', 'tokenizer_config.json'].includes(name)) {
    writeFileSync(join(directory, 'vocab.json'), JSON.stringify(tokenizer.model.vocab));
  }
  const random = randomNumbers(seed).uniform;
  const wrong: string[] = [];
  let accepted = 0;
  for (let k = 0; k < TRIALS; k++) {
    const text = changedText(value, random);
    writeFileSync(join(directory, name), text);
    try {
      await use(directory);
      accepted++;
    } catch (error) {
      const isTold =
        error instanceof EigenshardError && error.kind === 'input' && error.message.startsWith(directory);
      const isShort = isTold && error.message.length < 6100 && !error.message.includes('\n');
      if (!isShort) wrong.push(`${(error as Error).stack}\nof ${text.slice(0, 500)}`);
    }
  }
  t.log(`${accepted} of ${TRIALS} accepted`);
  t.deepEqual(wrong, []);
}

for (const [seed, [name, value]] of Object.entries({
  'config.json': config,
  'model.safetensors.index.json': index,
}).entries()) {
  test(`${TRIALS} changed ${name} are read, or refused on one line, and no other matrix is taken`, async (t) => {
    await campaign(t, { name, value, seed }, async (directory) => {
      const { source } = await inspectModel(directory);
      t.deepEqual([source.tensor, source.rows, source.columns], ['lm_head.weight', 4, 3]);
    });
  });
}

for (const [seed, [name, value]] of Object.entries({
  'tokenizer.json': tokenizer,
  'vocab.json': tokenizer.model.vocab,
  'added_tokens.json': added,
  'tokenizer_config.json': described,
  'tekken.json': tekken,
}).entries()) {
  test(`${TRIALS} changed ${name} give short texts of tokens, or are refused on one line`, async (t) => {
    await campaign(t, { name, value, seed: seed + 100 }, async (directory) => {
      const opened = await openTokenizer(directory);
      for (let id = 0; id < Math.min(opened?.tokens ?? 0, 100); id++) {
        const text = opened!.text(id);
        t.true(text === null || (typeof text === 'string' && text.length <= 170_000));
        t.is(typeof opened!.isSpecial(id), 'boolean');
      }
    });
  });
}
