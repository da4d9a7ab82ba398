import test from 'ava';
import fc from 'fast-check';
import { parseJson, parsePythonJson } from '../../src/files/json.js';

test('whatever JSON.stringify writes is parsed to the same value', (t) => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      t.deepEqual(parseJson(JSON.stringify(JSON.parse(text))), JSON.parse(text));
    }),
    { seed: 1 },
  );
});

test('a key that occurs twice in one object is refused, however it is spelt', (t) => {
  t.throws(() => parseJson('{"a": 1, "a": 2}'), { instanceOf: SyntaxError, message: /"a" occurs twice/ });
  t.throws(() => parseJson('{"x": [{"a": 1, "\\u0061": 2}]}'), { message: /"a" occurs twice/ });
});

test('the same key in two objects, or as a value, is allowed', (t) => {
  t.deepEqual(parseJson('{"a": {"a": "a"}, "b": [{"a": 1}, {"a": "\\": {"}]}'), {
    a: { a: 'a' },
    b: [{ a: 1 }, { a: '": {' }],
  });
});

test('more values than any file of a checkpoint has are refused before anything is made of them', (t) => {
  for (const value of ['0', '[]', '{}', '""', '{"a":0}']) {
    const many = `[${`${value},`.repeat(2 ** 23)}0]`;
    for (const parse of [parseJson, parsePythonJson]) {
      t.throws(() => parse(many), { instanceOf: SyntaxError, message: /^it holds more than 8388608 values/ });
    }
  }
  t.throws(() => parseJson('['.repeat(2 ** 23)), { message: /more than 8388608 values/ });
  t.is((parseJson(JSON.stringify(','.repeat(2 ** 23))) as string).length, 2 ** 23);
  t.deepEqual(parseJson('[1,[2,{"a":"]],,"}],[]]', 8), [1, [2, { a: ']],,' }], []]);
  t.throws(() => parseJson('[1,[2,{"a":"]],,"}],[]]', 6), { message: /more than 6 values/ });
});

test('strings of twenty million characters and nesting a million deep are parsed', (t) => {
  const long = 'x'.repeat(2e7);
  const escaped = '\\\\'.repeat(1e7);
  const text = `{"long": "${long}", "escaped": "${escaped}", "a": 1, "b": {"a": 2}}`;
  const parsed = parseJson(text) as Record<string, unknown>;
  t.is(parsed.long, long);
  t.is((parsed.escaped as string).length, 1e7);
  t.notThrows(() => parseJson(`${'['.repeat(1e6)}${']'.repeat(1e6)}`));
  t.throws(() => parseJson(`{"a": "${escaped}", "a": 1}`), { message: /"a" occurs twice/ });
});

test("Python's words for numbers that JSON has none for are read, in strings they are text", (t) => {
  const text =
    '{"a": [0.0, Infinity], "b": -Infinity, "c": NaN,"d":"NaN, \\"Infinity\\" -Infinity","NaN":NaN}';
  t.deepEqual(parsePythonJson(text), {
    a: [0, Number.POSITIVE_INFINITY],
    b: Number.NEGATIVE_INFINITY,
    c: null,
    d: 'NaN, "Infinity" -Infinity',
    NaN: null,
  });
  t.is(parsePythonJson('NaN'), null);
  t.throws(() => parseJson('[NaN]'), { instanceOf: SyntaxError });
  for (const wrong of [
    '[1Infinity]',
    '[+Infinity]',
    '[-NaN]',
    '[Infinityx]',
    '[nan]',
    '[.NaN]',
    '"NaN',
    '{"a": 1,"a": NaN}',
  ]) {
    t.throws(() => parsePythonJson(wrong), { instanceOf: SyntaxError }, wrong);
  }
});

test('whatever JSON.stringify writes means the same to Python', (t) => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      t.deepEqual(parsePythonJson(text), JSON.parse(text));
    }),
    { seed: 2 },
  );
});
