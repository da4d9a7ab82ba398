import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../src/errors.js';
import { openTokenizer, type Tokenizer } from '../../src/input/tokenizer.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { realModelTest } from '../helpers/shared-models.js';

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
  await refused(
    { model: bpe({ a: 0 }), decoder: { type: 'CTC' } },
    /the decoder "CTC", expected one of ByteLevel/,
  );
  const regex = { type: 'Replace', pattern: { Regex: '(a+)+$' }, content: '' };
  await refused({ model: bpe({ a: 0 }), decoder: regex }, /a decoder that replaces \{"Regex"/);
  const directory = scratchDirectory(t);
  mkdirSync(join(directory, 'tokenizer.json'));
  await t.throwsAsync(openTokenizer(directory), { instanceOf: InputError, message: /it is a directory/ });
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
