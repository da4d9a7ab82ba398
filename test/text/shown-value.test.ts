import test from 'ava';
import fc from 'fast-check';
import { shownValue } from '../../src/text/shown-value.js';

test('a short value is shown as JSON writes it', (t) => {
  for (const value of ['a "b"', 1.5, true, null, [1, 'a', null], { a: { b: [1] } }, [], {}]) {
    t.is(shownValue(value), JSON.stringify(value));
  }
});

test('what JSON has no word for has one all the same', (t) => {
  t.deepEqual([Number.NaN, Number.NEGATIVE_INFINITY, undefined, 12n].map(shownValue), [
    'NaN',
    '-Infinity',
    'undefined',
    '12',
  ]);
  t.is(
    shownValue(() => 1),
    'a function',
  );
  t.is(shownValue(2n ** 300n), 'an integer beyond 2^255');
});

test('a value is short however long or deep it is', (t) => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 1e5; depth++) deep = [deep];
  t.is(shownValue(deep), '[[[[...]]]]');
  t.is(shownValue({ a: { b: { c: { d: 1 } } } }), '{"a":{"b":{"c":{...}}}}');
  t.is(shownValue('x'.repeat(2e7)), `"${'x'.repeat(100)}..." (20000000 characters)`);
  t.is(shownValue(Array(1e6).fill(0)), '[0,0,0,0,0,0,0,0,... (1000000 values)]');
  const keys = Object.fromEntries(Array.from({ length: 1e4 }, (_, k) => [`k${k}`, k]));
  t.true(shownValue(keys).endsWith(',... (10000 keys)}'));
  fc.assert(
    fc.property(fc.anything({ maxDepth: 6 }), (value) => shownValue(value).length <= 303),
    { seed: 3 },
  );
});

test('an object that refuses to be looked at, or has a text of its own, does no harm', (t) => {
  t.is(shownValue({ toString: 1 }), '{"toString":1}');
  t.is(shownValue(Object.create(null)), '{}');
  t.is(
    shownValue({
      get a() {
        throw new Error('no');
      },
    }),
    'a value that cannot be shown',
  );
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  t.is(shownValue(proxy), 'a value that cannot be shown');
});

test('nothing in it acts on a terminal', (t) => {
  t.is(shownValue('\u001b[31m\u0000\u202e'), '"\\u001b[31m\\u0000\\u{202e}"');
  t.is(shownValue({ '\u009b2J': 1 }), '{"\\u{9b}2J":1}');
});
