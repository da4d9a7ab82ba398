import test from 'ava';
import { InputError } from '../../src/errors.js';
import { alignVocabularies, type Texts } from '../../src/tables/align-vocabularies.js';

const textsOf = (texts: readonly (string | null)[], name = 'run', bytes: readonly number[] = []): Texts => ({
  texts: [...texts],
  isByte: texts.map((_, id) => bytes.includes(id)),
  isKnown: texts.some((text) => text !== null),
  name,
});
const pairsOf = (a: readonly (string | null)[], b: readonly (string | null)[], how = 'auto' as const) => {
  const found = alignVocabularies(textsOf(a), textsOf(b), how);
  return {
    by: found.by,
    pairs: Array.from(found.a, (id, k) => [id, found.b[k]]),
    alone: [[...found.onlyA], [...found.onlyB]],
    ambiguous: found.ambiguous,
  };
};

test('equal vocabularies are matched by id, also where one has more rows without a token', (t) => {
  t.deepEqual(pairsOf(['a', 'b', null], ['a', 'b']), {
    by: 'id',
    pairs: [
      [0, 0],
      [1, 1],
    ],
    alone: [[2], []],
    ambiguous: 0,
  });
  t.is(pairsOf(['a', null, 'b'], ['a', null, 'b', null]).by, 'id');
});

test('vocabularies that differ are matched by text, and what has no partner is listed', (t) => {
  t.deepEqual(pairsOf(['a', 'b', null, 'c', ' c'], [' c', 'a', 'd', null, 'c']), {
    by: 'text',
    pairs: [
      [0, 1],
      [3, 4],
      [4, 0],
    ],
    alone: [
      [1, 2],
      [2, 3],
    ],
    ambiguous: 0,
  });
});

test('tokens of one text are matched in the order of their ids, and counted', (t) => {
  const found = pairsOf(['x', 'x', 'x', 'y'], ['y', 'x', 'x']);
  t.deepEqual(found.pairs, [
    [0, 1],
    [1, 2],
    [3, 0],
  ]);
  t.deepEqual([found.ambiguous, found.alone], [2, [[2], []]]);
});

test('names of the members of an object are texts as any other', (t) => {
  t.deepEqual(pairsOf(['constructor', '__proto__'], ['__proto__', 'b', 'constructor']).pairs, [
    [0, 2],
    [1, 0],
  ]);
});

test('without a tokenizer rows are matched by id where there are as many, and else nothing is guessed', (t) => {
  t.is(pairsOf([null, null], [null, null]).by, 'id');
  const refused = (a: Texts, b: Texts, how: 'auto' | 'text' = 'auto') =>
    t.throws(() => alignVocabularies(a, b, how), { instanceOf: InputError }).message;
  t.regex(refused(textsOf([null]), textsOf([null, null])), /have 1 and 2 rows.*beside either.*--align id/);
  t.regex(refused(textsOf(['a']), textsOf([null, null])), /beside the second/);
  t.regex(refused(textsOf([null], 'runs/x'), textsOf(['a']), 'text'), /^runs\/x: there is no tokenizer/);
  t.regex(refused(textsOf(['a']), textsOf(['b'])), /nothing to compare/);
  const { a, onlyB } = alignVocabularies(textsOf([null]), textsOf([null, null]), 'id');
  t.deepEqual([[...a], [...onlyB]], [[0], [1]]);
});

test('a token that stands for a byte is matched after the others of its text', (t) => {
  const { a, b } = alignVocabularies(
    textsOf(['A', '<0x80>', 'A', 'x'], 'a', [0, 1]),
    textsOf(['x', 'A']),
    'text',
  );
  t.deepEqual(
    [[...a], [...b]],
    [
      [2, 3],
      [1, 0],
    ],
  );
});
