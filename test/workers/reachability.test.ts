import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { tokenClasses } from '../../src/tables/token-classes.js';
import { endsWithin } from '../../workers/limited.js';
import { reachability } from '../../workers/reachability.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { realModelTest } from '../helpers/shared-models.js';

/** Classes of all tokens of a tokenizer.json, by the text of the vocabulary. */
async function classesOf(t: ExecutionContext, json: object, rows: number, limitMs = 10_000) {
  const directory = scratchDirectory(t);
  writeFileSync(path.join(directory, 'tokenizer.json'), JSON.stringify(json));
  const { classes, encodings, failures, notes } = await reachability({
    directory,
    rows: { first: 0, count: rows },
    limitMs,
  });
  return { classes: Array.from(classes, (index) => tokenClasses[index]!), encodings, failures, notes };
}

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true };

test('of a byte-level vocabulary, tokens without merges are unreachable, and halves of characters a class of their own', async (t) => {
  const pieces = ['a', 'b', 'c', 'ab', 'abc', 'Ġ', 'Ġa', 'Ã', '©', 'Ã©', 'cab', 'd', '<0x41>'];
  const vocab = Object.fromEntries([...pieces, '<s>'].map((piece, id) => [piece, id]));
  const merges = ['a b', 'ab c', 'Ġ a', 'Ã ©'];
  const { classes, encodings, failures } = await classesOf(
    t,
    {
      model: { type: 'BPE', vocab, merges },
      added_tokens: [
        { id: 13, content: '<s>', special: true },
        { id: 14, content: '<added>', special: false },
      ],
      pre_tokenizer: byteLevel,
      decoder: byteLevel,
    },
    17,
  );
  t.deepEqual(classes, [
    ...['reachable', 'reachable', 'reachable', 'reachable', 'reachable', 'reachable', 'reachable'],
    ...['partial UTF-8', 'partial UTF-8', 'reachable'],
    ...['unreachable', 'reachable', 'unreachable'],
    ...['special', 'reachable', 'orphan', 'orphan'],
  ]);
  // "cab" is c and ab; nothing makes <0x41> of its characters, most of which the vocabulary does not have.
  t.deepEqual(encodings[0], { token: 10, ids: [2, 3] });
  t.deepEqual(failures, []);
});

test('with a fallback to bytes, their tokens are a class of their own, and one that no text begins with is reached behind a character', async (t) => {
  const pieces = ['<unk>', '<0x41>', '<0xC2>', '<0xAB>', '▁', 'a', 'b', '▁a', 'ab'];
  const { classes } = await classesOf(
    t,
    {
      model: {
        type: 'BPE',
        vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
        merges: ['▁ a', 'a b'],
        unk_token: '<unk>',
        byte_fallback: true,
      },
      added_tokens: [{ id: 0, content: '<unk>', special: true }],
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'Prepend', prepend: '▁' },
          { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        ],
      },
      decoder: {
        type: 'Sequence',
        decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }],
      },
    },
    9,
  );
  t.deepEqual(classes.slice(0, 4), ['special', 'byte fallback', 'byte fallback', 'byte fallback']);
  t.deepEqual(classes.slice(5), ['reachable', 'reachable', 'reachable', 'reachable']);
});

test('pieces that go on a word are reached behind a letter, unless a text cannot have them there', async (t) => {
  const pieces = [
    '[UNK]',
    'a',
    'b',
    'ab',
    '##b',
    '##bc',
    '##ing',
    '##É',
    '##e',
    '##!',
    '##国',
    '国',
    'x',
    '##',
    '##y',
    'ay',
    'by',
    'xy',
  ];
  const { classes, encodings, failures } = await classesOf(
    t,
    {
      model: {
        type: 'WordPiece',
        vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
      },
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: true,
        lowercase: true,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    },
    pieces.length,
  );
  t.deepEqual(Object.fromEntries(pieces.map((piece, id) => [piece, classes[id]])), {
    '[UNK]': 'special',
    ...{ a: 'reachable', b: 'reachable', ab: 'reachable', x: 'reachable', 国: 'reachable' },
    // "ab" is a word of its own, "bb" is not.
    ...{ '##b': 'reachable', '##bc': 'reachable', '##ing': 'reachable', '##e': 'reachable' },
    // Capitals and accents are taken off; punctuation and Chinese characters stand apart.
    ...{ '##É': 'unreachable', '##!': 'unreachable', '##国': 'unreachable', '##': 'unreachable' },
    // Every letter makes a word with it.
    '##y': 'unknown',
    ...{ ay: 'reachable', by: 'reachable', xy: 'reachable' },
  });
  t.true(encodings.every(({ ids }) => ids.length > 0));
  t.deepEqual(
    failures.map(({ token }) => pieces[token]),
    ['##y'],
  );
});

test('the token for what a vocabulary lacks is reached by no text, and a file without merges is remarked upon', async (t) => {
  const unigram = {
    model: {
      type: 'Unigram',
      unk_id: 1,
      vocab: [
        ['<pad>', 0],
        ['<unk>', 0],
        ['a', -1],
        ['b', -2],
        ['ab', -1.5],
      ],
    },
    added_tokens: [{ id: 0, content: '<pad>', special: true }],
    decoder: null,
  };
  const found = await classesOf(t, unigram, 5);
  t.deepEqual(found.classes, ['special', 'special', 'reachable', 'reachable', 'reachable']);
  t.deepEqual(found.notes, []);
  const bpe = { model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: [] }, decoder: null };
  const without = await classesOf(t, bpe, 3);
  t.deepEqual(without.classes, ['reachable', 'reachable', 'unreachable']);
  t.is(without.notes.length, 1);
  t.regex(without.notes[0]!, /no merges/);
});

test('a pattern that never ends costs its own tokens and those behind it, and what cannot be encoded is told', async (t) => {
  const hanging = 'a'.repeat(60);
  const vocab = { b: 0, [`${hanging}!`]: 1, c: 2 };
  const split = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false };
  const model = { type: 'WordPiece', vocab, unk_token: 'b', max_input_chars_per_word: 100 };
  const { classes, failures } = await classesOf(t, { model, pre_tokenizer: split, decoder: null }, 3, 100);
  t.deepEqual(classes, ['special', 'unknown', 'unknown']);
  t.is(failures.length, 1);
  t.is(failures[0]!.token, 1);
  t.regex(failures[0]!.problem, /takes too long/);
  const other = await classesOf(
    t,
    { model: { ...model, vocab: { a: 0 } }, normalizer: { type: 'Morse' } },
    1,
  );
  t.deepEqual(other.classes, ['unknown']);
  t.is(other.failures[0]!.token, -1);
  t.regex(other.failures[0]!.problem, /a tokenizer WordPiece that cannot be encoded with: .*Morse/);
  t.false(endsWithin(50, () => /^(a+)+$/.test(`${hanging}!`)));
  t.true(endsWithin(10_000, () => {}));
  t.throws(() => endsWithin(10_000, () => JSON.parse('{')), { instanceOf: SyntaxError });
});

test('a folder without tokenizer.json, or without any tokenizer, leaves its tokens unknown', async (t) => {
  const directory = scratchDirectory(t);
  const ask = () => reachability({ directory, rows: { first: 0, count: 3 }, limitMs: 1000 });
  const none = await ask();
  t.deepEqual(
    [[...none.classes], none.failures],
    [[0, 0, 0], [{ token: -1, problem: 'there is no tokenizer' }]],
  );
  const other = scratchDirectory(t);
  writeFileSync(path.join(other, 'tiktoken.model'), 'YQ== 0\n4w== 1\n');
  const found = await reachability({ directory: other, rows: { first: 0, count: 3 }, limitMs: 1000 });
  t.deepEqual(
    Array.from(found.classes, (index) => tokenClasses[index]),
    ['unknown', 'partial UTF-8', 'orphan'],
  );
  t.regex(found.failures[0]!.problem, /no tokenizer\.json, by which alone/);
});

realModelTest(
  'of a real model, all bytes are of their class, and words with a space need what its tokenizer.json lacks',
  async (t, model) => {
    const found = await reachability({ directory: model, rows: { first: 0, count: 512 }, limitMs: 10_000 });
    const classes = Array.from(found.classes, (index) => tokenClasses[index]);
    t.is(classes.filter((name) => name === 'byte fallback').length, 256);
    t.is(classes.filter((name) => name === 'special').length, 3);
    t.is(classes.filter((name) => name === 'reachable').length, 101);
    t.is(found.encodings.length, 152);
    t.deepEqual(found.failures, []);
  },
);
