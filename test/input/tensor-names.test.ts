import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { tensorRules } from '../../src/input/tensor-names.js';

/** Compiled, this file is dist/test/input/tensor-names.test.js of the checkout. */
const page = path.resolve(import.meta.dirname, '../../../docs/checkpoints.md');

test('docs/checkpoints.md has the rules, in their order', (t) => {
  const rows = [...readFileSync(page, 'utf8').matchAll(/^\| (\d+) +\| `(.+?)` +\| (\w+) +\| (.+?) +\|$/gm)];
  t.deepEqual(
    rows.map(([, rule, name, kind, families]) => ({ rule, name, kind, families })),
    tensorRules.map((known, index) => ({ rule: String(index + 1), ...known })),
  );
});

test('every name is known once, unembeddings before embeddings', (t) => {
  const names = tensorRules.map(({ name }) => name);
  t.is(new Set(names).size, names.length);
  const kinds = tensorRules.map(({ kind }) => kind);
  t.true(kinds.lastIndexOf('unembedding') < kinds.indexOf('embedding'));
});
