import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { openCheckpoint } from '../../src/input/open-checkpoint.js';
import { selectRows } from '../../src/input/vocabulary-rows.js';
import { npy, scratchFile } from '../helpers/fixtures.js';
import { shardedModel } from '../helpers/runs.js';

const tokenizerOf = (highest: number) => JSON.stringify({ model: { vocab: { a: 0, z: highest } } });

test('all rows stay unless others are asked for', async (t) => {
  const checkpoint = await openCheckpoint(shardedModel(t, 20, 8).directory);
  t.is(await selectRows(checkpoint, 'all'), checkpoint);
});

test("the rows beyond the tokenizer's tokens are left out, with a note", async (t) => {
  const { directory } = shardedModel(t, 20, 8);
  const checkpoint = await openCheckpoint(directory);
  writeFileSync(join(directory, 'tokenizer.json'), tokenizerOf(16));
  const { source, notes } = await selectRows(checkpoint, 'tokenizer');
  t.deepEqual(source, { ...checkpoint.source, rows: 17 });
  t.deepEqual(notes, ["3 of 20 rows are beyond the tokenizer's 17 tokens and left out"]);
  writeFileSync(join(directory, 'tokenizer.json'), tokenizerOf(19));
  t.is((await selectRows(checkpoint, 'tokenizer')).source.rows, 20);
});

test('where there are more tokens than rows, all rows have one and stay', async (t) => {
  const { directory } = shardedModel(t, 20, 8);
  writeFileSync(join(directory, 'tokenizer.json'), tokenizerOf(20));
  const checkpoint = await openCheckpoint(directory);
  const { source, notes } = await selectRows(checkpoint, 'tokenizer');
  t.deepEqual(source, checkpoint.source);
  t.deepEqual(notes, ['all rows have a token: none is left out']);
});

test('without a tokenizer, its rows cannot be selected', async (t) => {
  const bare = scratchFile(t, 'a.npy', npy('<f4', [2, 3], new Uint8Array(24)));
  for (const path of [shardedModel(t, 20, 8).directory, bare]) {
    await t.throwsAsync(selectRows(await openCheckpoint(path), 'tokenizer'), {
      instanceOf: InputError,
      message: /there is no tokenizer.json .*--rows all/,
    });
  }
});
