import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../../src/errors.js';
import { openTokenizer } from '../../../src/input/tokenizer/open-tokenizer.js';
import type { Tokenizer } from '../../../src/input/tokenizer/tokenizer.js';
import { scratchDirectory } from '../../helpers/fixtures.js';
import { realModelTest } from '../../helpers/shared-models.js';

/** A directory of these files, as JSON where they are not text already. */
function directoryOf(t: ExecutionContext, files: Record<string, unknown>): string {
  const directory = scratchDirectory(t);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return directory;
}

async function open(t: ExecutionContext, files: Record<string, unknown>): Promise<Tokenizer> {
  const tokenizer = await openTokenizer(directoryOf(t, files));
  if (tokenizer === null) throw new TypeError('no tokenizer');
  return tokenizer;
}

function texts(tokenizer: Tokenizer): (string | null)[] {
  return Array.from({ length: tokenizer.tokens }, (_, id) => tokenizer.text(id));
}

/** A vocabulary of these pieces, in the order of their ids. */
function vocabularyOf(...pieces: string[]): Record<string, number> {
  return Object.fromEntries(pieces.map((piece, id) => [piece, id]));
}

const bpe = (vocab: object) => ({ type: 'BPE', vocab, merges: [] });

test('a byte-level tokenizer (GPT-2, Qwen, Llama 3) gives spaces, characters and single bytes', async (t) => {
  const tokenizer = await open(t, {
    'tokenizer.json': {
      model: bpe(vocabularyOf('a', 'Ġthe', 'Ċ', 'Ã¤', 'ä¸Ń', 'ä¸', 'Ġð', 'Ń', 'Ġ', 'ĠĠ', '中')),
      decoder: { type: 'ByteLevel' },
      added_tokens: [
        { id: 11, content: '<|im_end|>', special: true },
        { id: 12, content: '<think>', special: false },
        { id: 13, content: '<｜é▁x｜>', special: true },
      ],
    },
  });
  t.deepEqual(texts(tokenizer), [
    'a',
    ' the',
    '\n',
    'ä',
    '中',
    '<0xE4><0xB8>',
    ' <0xF0>',
    '<0xAD>',
    ' ',
    '  ',
    // No character of the byte alphabet: text as it stands.
    '中',
    '<|im_end|>',
    '<think>',
    '<｜é▁x｜>',
  ]);
  t.deepEqual(
    [11, 12, 13, 0, 99].map((id) => tokenizer.isSpecial(id)),
    [true, false, true, false, false],
  );
});

test('a byte-level decoder within a sequence is the same', async (t) => {
  const decoder = { type: 'Sequence', decoders: [{ type: 'ByteLevel' }] };
  const tokenizer = await open(t, { 'tokenizer.json': { model: bpe(vocabularyOf('Ġx')), decoder } });
  t.deepEqual(texts(tokenizer), [' x']);
});

test('sentencepiece with byte fallback (Llama 2, Gemma, Phi-3) keeps the space in front and shows lone bytes', async (t) => {
  const tokenizer = await open(t, {
    'tokenizer.json': {
      model: {
        ...bpe(vocabularyOf('<unk>', '<0x0A>', '<0xE4>', '▁the', 'ing', '▁', '▁▁', '中')),
        byte_fallback: true,
      },
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          { type: 'Strip', content: ' ', start: 1, stop: 0 },
        ],
      },
      added_tokens: [
        { id: 0, content: '<unk>', special: true },
        { id: 8, content: '▁▁▁', special: false },
      ],
    },
  });
  t.deepEqual(texts(tokenizer), ['<unk>', '\n', '<0xE4>', ' the', 'ing', ' ', '  ', '中', '   ']);
  t.true(tokenizer.isSpecial(0));
  t.false(tokenizer.isSpecial(8));
});

test('a Unigram vocabulary is a list, its Metaspace a space', async (t) => {
  const vocab = [
    ['<pad>', 0],
    ['▁a', -1],
    ['b_', -2],
  ];
  const decoder = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always' };
  const tokenizer = await open(t, { 'tokenizer.json': { model: { type: 'Unigram', vocab }, decoder } });
  t.deepEqual(texts(tokenizer), ['<pad>', ' a', 'b_']);
});

test('words, word pieces and words with an end mark are shown as they decode alone', async (t) => {
  const words = { type: 'WordLevel', vocab: vocabularyOf('the', ',', 'é'), unk_token: '<unk>' };
  t.deepEqual(texts(await open(t, { 'tokenizer.json': { model: words, decoder: null } })), ['the', ',', 'é']);
  const pieces = { type: 'WordPiece', vocab: vocabularyOf('play', '##ing') };
  const wordPiece = { type: 'WordPiece', prefix: '##', cleanup: true };
  t.deepEqual(texts(await open(t, { 'tokenizer.json': { model: pieces, decoder: wordPiece } })), [
    'play',
    '##ing',
  ]);
  const ended = { model: bpe(vocabularyOf('lo', 'w</w>')), decoder: { type: 'BPEDecoder', suffix: '</w>' } };
  t.deepEqual(texts(await open(t, { 'tokenizer.json': ended })), ['lo', 'w']);
});

test('ids may have holes, and the highest counts', async (t) => {
  const tokenizer = await open(t, {
    'tokenizer.json': {
      model: bpe({ a: 0, b: 4 }),
      added_tokens: [{ id: 6, content: '<x>', special: true }],
    },
  });
  t.is(tokenizer.tokens, 7);
  t.deepEqual(texts(tokenizer), ['a', null, null, null, 'b', null, '<x>']);
  t.is(tokenizer.text(7), null);
});

test('ids may be as far apart as a file can write them', async (t) => {
  const ids = [2 ** 31 - 2, 7, 2 ** 30, 123_456_789, 0, 2 ** 24];
  const vocab = Object.fromEntries(ids.map((id) => [`t${id}`, id]));
  const added = [{ id: 2 ** 30, content: 'later', special: true }];
  const tokenizer = await open(t, { 'tokenizer.json': { model: bpe(vocab), added_tokens: added } });
  t.is(tokenizer.tokens, 2 ** 31 - 1);
  t.deepEqual(
    [...ids, 1, 2 ** 31 - 3].map((id) => tokenizer.text(id)),
    ['t2147483646', 't7', 'later', 't123456789', 't0', 't16777216', null, null],
  );
  t.deepEqual(
    [0, 1, 2 ** 30].map((id) => [tokenizer.has(id), tokenizer.isSpecial(id)]),
    [
      [true, false],
      [false, false],
      [true, true],
    ],
  );
});

test('vocab.json with merges.txt is byte-level, with the tokens that were added later', async (t) => {
  const files = { 'vocab.json': vocabularyOf('a', 'Ġb', '<|endoftext|>'), 'merges.txt': '#version: 0.2\n' };
  t.deepEqual(texts(await open(t, files)), ['a', ' b', '<|endoftext|>']);
  const tokenizer = await open(t, {
    ...files,
    'added_tokens.json': { '<|im_start|>': 3 },
    'tokenizer_config.json': {
      added_tokens_decoder: { 2: { content: '<|endoftext|>', special: true } },
    },
  });
  t.is(tokenizer.text(3), '<|im_start|>');
  t.is(tokenizer.tokens, 4);
  t.true(tokenizer.isSpecial(2));
  t.is(await openTokenizer(directoryOf(t, { 'vocab.json': {} })), null);
});

test('a vocab.json of words marks where they end, or that they go on', async (t) => {
  const merges = { 'merges.txt': '#version: 0.2\nt h\n' };
  const openAi = await open(t, {
    ...merges,
    'vocab.json': vocabularyOf('the</w>', 'a', '.</w>', 'é</w>', '</w>'),
  });
  t.deepEqual(texts(openAi), ['the', 'a', '.', 'é', '</w>']);
  const ctrl = await open(t, { ...merges, 'vocab.json': vocabularyOf('th@@', 'e', 'é@@', '@@') });
  t.deepEqual(texts(ctrl), ['th', 'e', 'é', '@@']);
  // CLIP: bytes, and the ends of words.
  const clip = await open(t, { ...merges, 'vocab.json': vocabularyOf('Ġ', 'the</w>', 'Ã©</w>', 'Ã') });
  t.deepEqual(texts(clip), [' ', 'the', 'é', '<0xC3>']);
  const bytes = await open(t, { ...merges, 'vocab.json': vocabularyOf('Ġa', '@@', 'Ã©') });
  t.deepEqual(texts(bytes), [' a', '@@', 'é']);
});

const base64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64');

test('a vocabulary of tiktoken gives bytes by rank, and its configuration names the special tokens', async (t) => {
  const lines = [base64('!'), base64(' the'), base64(Uint8Array.of(0xe4, 0xb8)), base64('\u4e2d')];
  const described = {
    5: { content: '[BOS]', special: true },
    6: { content: '<|im_middle|>', special: false },
  };
  for (const name of ['tiktoken.model', 'qwen.tiktoken', 'tokenizer.model']) {
    const tokenizer = await open(t, {
      [name]: `${lines.map((bytes, rank) => `${bytes} ${rank}`).join('\n')}\n`,
      'tokenizer_config.json': { added_tokens_decoder: described },
    });
    t.deepEqual(texts(tokenizer), ['!', ' the', '<0xE4><0xB8>', '中', null, '[BOS]', '<|im_middle|>']);
    t.true(tokenizer.isSpecial(5));
    t.false(tokenizer.isSpecial(6));
    t.false(tokenizer.has(4));
  }
  const refused = (text: string, message: RegExp) =>
    t.throwsAsync(openTokenizer(directoryOf(t, { 'tiktoken.model': text })), {
      instanceOf: InputError,
      message,
    });
  await refused('IQ== 0\nIg== one\n', /line 2 is "Ig== one", not a token in base64 and its rank/);
  await refused('', /it has no token/);
  await refused(`version https://git-lfs.github.com/spec/v1\n`, /Git LFS pointer/);
});

/** A tekken.json of these special tokens, and a vocabulary of which as much counts as `size` lets. */
const tekken = (size: number, reserved: number, special: unknown, vocabulary: readonly string[]) => ({
  'tekken.json': {
    config: {
      pattern: 'x',
      num_vocab_tokens: 9,
      default_vocab_size: size,
      default_num_special_tokens: reserved,
    },
    vocab: vocabulary.map((text, rank) => ({ rank, token_bytes: base64(text), token_str: text })),
    ...(special === undefined ? {} : { special_tokens: special }),
  },
});

test("Mistral's tekken.json has its special tokens first, then the vocabulary by rank, up to its size", async (t) => {
  const special = [
    { rank: 0, token_str: '<unk>', is_control: true },
    { rank: 1, token_str: '[THINK]', is_control: false },
  ];
  const tokenizer = await open(t, tekken(6, 3, special, ['a', ' the', '\u4e2d', 'beyond']));
  t.deepEqual(texts(tokenizer), ['<unk>', '[THINK]', '<SPECIAL_2>', 'a', ' the', '中']);
  t.deepEqual(
    [0, 1, 2, 3].map((id) => tokenizer.isSpecial(id)),
    [true, false, true, false],
  );
});

test('a tekken.json that lists no special tokens has those of its time', async (t) => {
  const tokenizer = await open(t, tekken(1001, 1000, undefined, ['a']));
  t.is(tokenizer.tokens, 1001);
  const known = { 0: '<unk>', 1: '<s>', 3: '[INST]', 19: '[TOOL_CONTENT]', 20: '<SPECIAL_20>', 1000: 'a' };
  for (const [id, text] of Object.entries(known)) t.is(tokenizer.text(Number(id)), text);
  t.deepEqual(texts(await open(t, tekken(96, 2, null, []))), ['<unk>', '<s>']);
});

test('a tekken.json that is none is refused', async (t) => {
  const refused = (file: object, message: RegExp) =>
    t.throwsAsync(openTokenizer(directoryOf(t, { 'tekken.json': file })), {
      instanceOf: InputError,
      message,
    });
  await refused({ vocab: [] }, /no config with default_vocab_size/);
  const config = { default_vocab_size: 9, default_num_special_tokens: 1 };
  await refused({ config, vocab: [{ rank: -1 }] }, /a token has the rank -1/);
  await refused({ config, vocab: [{ rank: 0, token_bytes: null }] }, /token 1 has no text/);
  await refused(
    { config: { ...config, default_num_special_tokens: 2 ** 40 }, vocab: [] },
    /reserves 1099511627776/,
  );
});

/** A field of a message of Protocol Buffers that has a length. */
const field = (number: number, content: Uint8Array) =>
  Buffer.concat([Buffer.from([number * 8 + 2, content.length]), content]);

/** A piece of a sentencepiece model: text, score, and type where it is not the usual one. */
const piece = (text: string, type?: number) =>
  field(
    1,
    Buffer.concat([
      field(1, Buffer.from(text)),
      Buffer.from([2 * 8 + 5, 0, 0, 0x80, 0xbf]),
      Buffer.from(type === undefined ? [] : [3 * 8, type]),
    ]),
  );

test("sentencepiece's own model gives its pieces, and later tokens their text", async (t) => {
  const pieces = [
    piece('<unk>', 2),
    piece('<s>', 3),
    piece('<0x0A>', 6),
    piece('<0xE4>', 6),
    piece('▁the'),
    piece('中'),
  ];
  const trainer = field(2, Buffer.from([8, 1]));
  const directory = directoryOf(t, { 'added_tokens.json': { '<pad>': 7 } });
  writeFileSync(join(directory, 'tokenizer.model'), Buffer.concat([...pieces, trainer]));
  const tokenizer = await openTokenizer(directory);
  if (tokenizer === null) return t.fail('no tokenizer');
  t.deepEqual(texts(tokenizer), ['<unk>', '<s>', '\n', '<0xE4>', ' the', '中', null, '<pad>']);
  t.deepEqual(
    [0, 1, 2, 4].map((id) => tokenizer.isSpecial(id)),
    [true, true, false, false],
  );
});

test('a tokenizer.model that is none is refused, wherever it is cut', async (t) => {
  const whole = Buffer.concat([piece('<unk>', 2), piece('▁the')]);
  const directory = scratchDirectory(t);
  const file = join(directory, 'tokenizer.model');
  for (let end = 1; end < whole.length; end++) {
    if (end === piece('<unk>', 2).length) continue;
    writeFileSync(file, whole.subarray(0, end));
    await t.throwsAsync(openTokenizer(directory), { instanceOf: InputError }, String(end));
  }
  writeFileSync(file, 'version https://git-lfs.github.com/spec/v1\n');
  await t.throwsAsync(openTokenizer(directory), { instanceOf: InputError, message: /Git LFS pointer/ });
});

test('a decoder that is not known leaves the texts out and says so, and the tokens stay', async (t) => {
  const regex = { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: '' };
  let deep: object = { type: 'Fuse' };
  for (let depth = 0; depth < 1000; depth++) deep = { type: 'Sequence', decoders: [deep] };
  const tenfold = { type: 'Replace', pattern: { String: 'a' }, content: 'a'.repeat(10) };
  const nested = (...decoders: object[]) => ({ type: 'Sequence', decoders });
  for (const [decoder, note] of [
    [{ type: 'CTC' }, /tokenizer.json has the decoder "CTC", which is not known here/],
    [regex, /a decoder that replaces the pattern "\(a\+\)\+\$"/],
    [{ type: 'Sequence', decoders: [{ type: 'Fuse' }, regex] }, /replaces the pattern/],
    [{ type: 'Sequence' }, /a sequence without decoders/],
    [deep, /the decoder "Sequence"/],
    [
      { type: 'Sequence', decoders: Array(40).fill(tenfold) },
      /a decoder that may make a token 1\.0e\+40 times as long/,
    ],
    [{ type: 'Sequence', decoders: Array(400).fill(tenfold) }, /a sequence of 400 decoders/],
    [
      nested(nested(tenfold, tenfold), { type: 'Fuse' }),
      /a decoder that may make a token 1\.0e\+2 times as long/,
    ],
    [nested(...Array(9).fill(nested(...Array(9).fill({ type: 'Fuse' })))), /a sequence of 81 decoders/],
    [
      { type: 'Replace', pattern: { String: 'a' }, content: 'x'.repeat(1e6) },
      /may make a token 1\.0e\+6 times/,
    ],
  ] as const) {
    const added = [{ id: 2, content: '<end>', special: true }];
    const tokenizer = await open(t, {
      'tokenizer.json': { model: bpe({ a: 0 }), decoder, added_tokens: added },
    });
    t.is(tokenizer.tokens, 3);
    t.deepEqual(texts(tokenizer), [null, null, null]);
    t.deepEqual(
      [0, 1, 2].map((id) => tokenizer.has(id)),
      [true, false, true],
    );
    t.true(tokenizer.isSpecial(2));
    t.is(tokenizer.notes.length, 1);
    t.regex(tokenizer.notes[0]!, note);
  }
  t.deepEqual((await open(t, { 'tokenizer.json': { model: bpe({ a: 0 }) } })).notes, []);
});

test('a directory without tokenizer files has none', async (t) => {
  t.is(await openTokenizer(scratchDirectory(t)), null);
});

test('files that are no tokenizer are refused with the file', async (t) => {
  const refused = async (tokenizer: unknown, message: RegExp) => {
    const directory = directoryOf(t, { 'tokenizer.json': tokenizer });
    const error = await t.throwsAsync(openTokenizer(directory), { instanceOf: InputError, message });
    t.true(error.message.startsWith(join(directory, 'tokenizer.json')));
  };
  await refused('{"model": ', /not valid JSON/);
  await refused({}, /it has no vocabulary/);
  await refused({ model: bpe({}) }, /it has no token/);
  await refused({ model: bpe({ a: -1 }) }, /token "a" has the id -1/);
  await refused({ model: bpe({ a: 2 ** 40 }) }, /token "a" has the id/);
  await refused({ model: bpe({ a: '0' }) }, /token "a" has the id "0"/);
  await refused({ model: { type: 'Unigram', vocab: [[1, 2]] } }, /token 0 has no text/);
  await refused({ model: bpe({ a: 0 }), added_tokens: [{ id: 1 }] }, /added token 1 has no text/);
  const directory = scratchDirectory(t);
  mkdirSync(join(directory, 'tokenizer.json'));
  await t.throwsAsync(openTokenizer(directory), { instanceOf: InputError, message: /found a directory/ });
});

realModelTest('a real tokenizer gives the texts that are known of it', async (t, model) => {
  const tokenizer = await openTokenizer(model);
  if (tokenizer === null) return t.fail('no tokenizer');
  t.is(tokenizer.tokens, 512);
  const known = {
    0: '<unk>',
    1: '<s>',
    3: '\0',
    13: '\n',
    100: 'a',
    131: '<0x80>',
    200: '<0xC5>',
    259: ' t',
    260: 'he',
  };
  for (const [id, text] of Object.entries(known)) t.is(tokenizer.text(Number(id)), text, id);
  t.deepEqual(
    [0, 1, 2, 3, 259].map((id) => tokenizer.isSpecial(id)),
    [true, true, true, false, false],
  );
  const all = texts(tokenizer);
  t.true(all.every((text) => text !== null && text !== '' && !text.includes('\ufffd')));
});
