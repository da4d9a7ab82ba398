import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { readLogitBias, recordBias } from '../../src/input/logit-bias.js';
import { openCheckpoint } from '../../src/input/open-checkpoint.js';
import { openRows } from '../../src/input/rows.js';
import { openTokenizer } from '../../src/input/tokenizer/open-tokenizer.js';
import { writeCheckpointDirectory } from '../../src/input/write-checkpoint.js';
import { scratchDirectory } from '../helpers/fixtures.js';

test('words and their vectors are read back as a checkpoint and its tokenizer', async (t) => {
  const directory = path.join(scratchDirectory(t), 'a/b');
  // Names that objects have by themselves, and a number, whose place in an object is not its own.
  const words = ['the', '"', '7', '__proto__', 'constructor', 'é'];
  const vectors = Float32Array.from({ length: words.length * 3 }, (_, k) => k / 7);
  writeCheckpointDirectory(directory, { modelType: 'words', words, vectors });
  const { source, model, notes } = await openCheckpoint(directory);
  t.like(source, { rows: 6, columns: 3, dtype: 'float32' });
  t.like(model, { modelType: 'words', tied: true, vocabSize: 6 });
  t.deepEqual(notes, []);
  const bytes = new Uint8Array(vectors.byteLength);
  const reader = openRows(source);
  reader.read(0, 6, bytes);
  reader.close();
  t.deepEqual(new Float32Array(bytes.buffer), vectors);
  const tokenizer = await openTokenizer(directory);
  t.deepEqual(
    words.map((_, id) => tokenizer!.text(id)),
    words,
  );
  t.is(tokenizer!.tokens, 6);
});

test('an output head with its bias is read back as one', async (t) => {
  const directory = path.join(scratchDirectory(t), 'head');
  const bias = Float32Array.of(0.5, -2, 1e-3);
  const vectors = Float32Array.from({ length: 6 }, (_, k) => k - 2.5);
  writeCheckpointDirectory(directory, { modelType: 'head', words: ['a', 'b', 'c'], vectors, bias });
  const checkpoint = await openCheckpoint(directory);
  t.like(checkpoint.source, { rows: 3, columns: 2 });
  t.like(checkpoint.model, { tied: false });
  const recorded = await recordBias(checkpoint.logitBias);
  t.deepEqual(await readLogitBias(recorded, null, 3), Float64Array.from(bias));
  const short = { modelType: 'head', words: ['a'], vectors: new Float32Array(2), bias };
  t.throws(() => writeCheckpointDirectory(directory, short), {
    message: /3 numbers are no biases of 1 words/,
  });
});

test('vectors that do not fit their words are refused before anything is written', (t) => {
  const directory = path.join(scratchDirectory(t), 'none');
  const write = (words: string[], length: number) => () =>
    writeCheckpointDirectory(directory, { modelType: 'x', words, vectors: new Float32Array(length) });
  t.throws(write(['a', 'b'], 3), { instanceOf: RangeError, message: /3 numbers are no rows of 2 words/ });
  t.throws(write(['a'], 0), { instanceOf: RangeError });
  t.throws(write(['a', 'a'], 4), { instanceOf: RangeError, message: /1 words occur twice/ });
  t.false(existsSync(directory));
});
