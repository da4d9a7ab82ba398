import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { tensorRules, wrappers } from '../../../src/input/matrix/tensor-names.js';

/** Compiled, this file is dist/test/input/matrix/tensor-names.test.js of the checkout. */
const page = path.resolve(import.meta.dirname, '../../../../docs/checkpoints.md');

const text = readFileSync(page, 'utf8');

test('docs/checkpoints.md has the rules, in their order', (t) => {
  const rows = [...text.matchAll(/^\| (\d+) +\| `(.+?)` +\| (\w+) +\| (.+?) +\|$/gm)];
  t.deepEqual(
    rows.map(([, rule, name, kind, families]) => ({ rule, name, kind, families })),
    tensorRules.map((known, index) => ({ rule: String(index + 1), ...known })),
  );
});

test('docs/checkpoints.md has the wrappers', (t) => {
  const rows = [...text.matchAll(/^\| `(\w+)\.` +\| (\w+) +\| (.+?) +\|$/gm)];
  t.deepEqual(
    rows.map(([, name, where, by]) => ({ name, where, by })),
    wrappers.map((wrapper) => ({ ...wrapper })),
  );
});

test('every name is a matrix of its layer', (t) => {
  for (const { name } of tensorRules) t.regex(name, /^[\w.]+\.weight$/);
});

test('every name is known once, unembeddings before embeddings', (t) => {
  const names = tensorRules.map(({ name }) => name);
  t.is(new Set(names).size, names.length);
  const kinds = tensorRules.map(({ kind }) => kind);
  t.true(kinds.lastIndexOf('unembedding') < kinds.indexOf('embedding'));
});
