import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { type RecordedKindName, recordedKindOf, recordedKinds } from '../../src/output/recorded-kinds.js';
import { sealedText } from '../../src/output/seal.js';
import { scratchDirectory } from '../helpers/fixtures.js';

const kinds = Object.entries(recordedKinds) as [RecordedKindName, (typeof recordedKinds)[RecordedKindName]][];

test('a folder is told by a record that begins as those of its kind, even where the rest is damaged', (t) => {
  for (const [name, { record, format }] of kinds) {
    const directory = scratchDirectory(t);
    t.is(recordedKindOf(directory), null);
    const text = sealedText({ format, layout: 1 });
    for (const found of [text, text.slice(0, -9)]) {
      writeFileSync(path.join(directory, record), found);
      t.is(recordedKindOf(directory), name);
    }
    t.is(recordedKindOf(path.join(directory, record)), null, 'not below a file');
  }
});

test("other people's files of the names of records make no such folder", (t) => {
  const directory = scratchDirectory(t);
  for (const [, { record }] of kinds)
    for (const text of ['', '[["king", "queen"]]', '{\n  "runs": [{ "model": "m" }]\n}\n']) {
      writeFileSync(path.join(directory, record), text);
      t.is(recordedKindOf(directory), null, record);
    }
});
