import test from 'ava';
import fc from 'fast-check';
import { parseJson } from '../../src/files/json.js';

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
