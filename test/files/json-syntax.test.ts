import test from 'ava';
import fc from 'fast-check';
import { jsonSyntaxProblem } from '../../src/files/json-syntax.js';

for (const [what, text, problem] of [
  [
    'a comma too many',
    '{"a": 1,\n "b": 2,\n}',
    /^line 3, column 1: expected a key .*, found "}"; the comma before/,
  ],
  ['a comma too few', '{"a": 1\n "b": 2}', /^line 2, column 2: expected "," or "}", found "\\""$/],
  ['no colon', '{"a" 1}', /^line 1, column 6: expected ":", found "1"$/],
  [
    'an end too early',
    '[1,\n{"a": [2',
    /^line 2, column 9: expected "," or "]", found the end of the text; is .* cut off/,
  ],
  ['nothing', '', /^line 1, column 1: expected a value, found the end/],
  ['single quotes', "{'a': 1}", /^line 1, column 2: expected a key in double quotes.*double quotes alone$/],
  ['a comment', '{\n  // mine\n}', /^line 2, column 3: .*JSON has no comments$/],
  ['a word of Python', '{"a": True}', /^line 1, column 7: expected a value, found "True"$/],
  [
    'a line feed in a text',
    '{"a": "b\nc"}',
    /^line 1, column 9: "\\n" within a text; write it with a backslash/,
  ],
  ['a path of Windows', '{"a": "C:\\runs"}', null],
  ['a wrong escape', '{"a": "C:\\qwen"}', /^line 1, column 10: a backslash within a text/],
  ['a text without an end', '{"a": "b}', /^line 1, column 7: a text begins here that never ends/],
  ['more than one value', '{} []', /^line 1, column 4: expected the end, found "\["$/],
  ['a zero in front', '[012]', /^line 1, column 2: expected a value or "\]", found "012"$/],
  ['a byte order mark', '\ufeff{}', /^line 1, column 1: .* byte order mark/],
  ['a bracket of the other kind', '{"a": [1}', /^line 1, column 9: expected "," or "\]", found "}"$/],
] as const) {
  test(`${what} is found where it stands`, (t) => {
    const found = jsonSyntaxProblem(text);
    if (problem === null) t.is(found, null);
    else t.regex(found ?? '', problem);
  });
}

test('a text has a problem exactly where JSON.parse refuses it', (t) => {
  const refused = (text: string) => {
    try {
      JSON.parse(text);
      return false;
    } catch {
      return true;
    }
  };
  let count = 0;
  fc.assert(
    fc.property(
      fc.json(),
      fc.nat(),
      fc.constantFrom(...'{}[],:"\\0-e. \nntf\'\u0001', ''),
      (json, at, put) => {
        const place = at % (json.length + 1);
        const text = json.slice(0, place) + put + json.slice(place + 1);
        if (refused(text)) count++;
        return refused(text) === (jsonSyntaxProblem(text) !== null) && jsonSyntaxProblem(json) === null;
      },
    ),
    { seed: 4, numRuns: 3000 },
  );
  t.true(count > 1000, `${count} refused`);
});

test('a deep or a long text that is cut off is no danger', (t) => {
  t.regex(jsonSyntaxProblem('['.repeat(1e6)) ?? '', /^line 1, column 1000001: /);
  t.regex(jsonSyntaxProblem(`{"a": "${'x'.repeat(2e7)}`) ?? '', /^line 1, column 7: a text begins here/);
  t.regex(jsonSyntaxProblem(`${'\n'.repeat(1e6)}x`) ?? '', /^line 1000001, column 1: /);
});
