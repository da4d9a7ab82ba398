import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { answer } from '../helpers/answers.js';
import { npy, scratchDirectory } from '../helpers/fixtures.js';
import { runHere, shardedModel, verifyHere } from '../helpers/runs.js';

function flipByte(file: string, at: (length: number) => number): void {
  const bytes = readFileSync(file);
  bytes[at(bytes.length)]! ^= 0x10;
  writeFileSync(file, bytes);
}

const middle = (length: number) => length >> 1;

test('verify passes a finished run, in both formats and with its exports', async (t) => {
  const model = shardedModel(t, 300, 33).directory;
  const out = scratchDirectory(t);
  await runHere({ model, out, partitionRows: 77, format: 'both', export: ['pt', 'safetensors', 'npy'] });
  const { code, stdout, stderr } = await answer('verify', out, '--quiet');
  t.is(code, 0, stderr);
  t.regex(stdout, /^Verification: passed$/m);
});

test('one flipped bit in any file of a run fails verify with exit code 3 and the name of the file', async (t) => {
  const model = shardedModel(t, 300, 33).directory;
  for (const [name, at, message] of [
    ['projections/parquet/part-00001.parquet', middle, /part-00001.parquet: CRC-32 differs/],
    [
      'projections/parquet/part-00002.parquet',
      () => 30,
      /part-00002.parquet: the column of token ids is not as planned/,
    ],
    [
      'projections/parquet/part-00000.parquet',
      (length: number) => length - 20,
      /part-00000.parquet: the footer is not as planned/,
    ],
    ['projections/arrow/part-00003.arrow', middle, /part-00003.arrow: CRC-32 differs/],
    ['projections.npy', middle, /projections.npy, bytes \d+ to \d+: CRC-32 differs/],
    [
      'eigenbasis.safetensors',
      (length: number) => length - 5,
      /eigenbasis.safetensors: not the recorded bytes/,
    ],
    ['metric.safetensors', (length: number) => length - 5, /metric.safetensors: not the recorded bytes/],
  ] as const) {
    const out = scratchDirectory(t);
    await runHere({ model, out, partitionRows: 77, format: 'both', export: ['npy'] });
    flipByte(path.join(out, name), at);
    const { code, stdout, stderr } = await answer('verify', out, '--quiet');
    t.is(code, 3, `${name}: ${stderr}`);
    t.is([...(stdout + stderr).matchAll(new RegExp(message, 'g'))].length, 1, `${name}: said once`);
    t.regex(stderr, /with --resume --checksums, and all of it with --overwrite\n$/);
    // Without the basis nothing else can be judged, and there is no table.
    if (stdout !== '')
      t.regex(stderr, /^eigenshard: [^\n]+: \d of 9 checks failed \(files\b[^)]*\); [^\n]+\n$/);
  }
});

test('verify refuses other inputs than those of the run, and says which option names their new place', async (t) => {
  const { directory, gamma, rows, hidden } = shardedModel(t, 100, 16);
  const moved = path.join(scratchDirectory(t), 'moved.npy');
  const weights = new Uint8Array(gamma.buffer);
  writeFileSync(moved, npy('<f4', [rows, hidden], weights));
  const out = scratchDirectory(t);
  await runHere({ model: moved, out });
  t.is((await answer('verify', out, '--quiet')).code, 0);

  gamma[5]! += 1;
  writeFileSync(moved, npy('<f4', [rows, hidden], weights));
  const changed = await answer('verify', out, '--quiet');
  t.is(changed.code, 2);
  t.regex(changed.stderr, /moved.npy: is not what this run was made from \(the weights differ\).*--model/);
  const other = await answer('verify', out, '--model', directory, '--quiet');
  t.is(other.code, 2);
});

test('a metric that is another one, or not there, is told before the weights are read', async (t) => {
  const { directory: model, hidden } = shardedModel(t, 100, 16);
  const folder = scratchDirectory(t);
  const metric = path.join(folder, 'metric.npy');
  const diagonal = Float64Array.from({ length: hidden ** 2 }, (_, k) => (k % (hidden + 1) === 0 ? 2 : 0));
  writeFileSync(metric, npy('<f8', [hidden, hidden], new Uint8Array(diagonal.buffer)));
  const out = path.join(folder, 'run');
  await runHere({ model, metric, out });
  // Who reads the weights first says that they differ.
  flipByte(path.join(model, 'model-00002-of-00002.safetensors'), (length) => length - 10);
  await t.throwsAsync(verifyHere(out, { metric: path.join(folder, 'none.npy') }), {
    message: /none\.npy: cannot read the metric/,
  });
  diagonal[0] = 3;
  writeFileSync(metric, npy('<f8', [hidden, hidden], new Uint8Array(diagonal.buffer)));
  await t.throwsAsync(verifyHere(out), { message: /metric\.npy: is not what this run was made from/ });
});

test('a run that was moved with its model is verified in part, or as a whole where the model is named', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  const [out, moved] = [scratchDirectory(t), `${model}-moved`];
  await runHere({ model, out });
  renameSync(model, moved);
  const part = await answer('verify', out);
  t.is(part.code, 2);
  t.regex(part.stdout, /^Verification \(in part: not every input is at hand\): passed$/m);
  t.regex(part.stderr, /what needs the checkpoint was not checked: .* give --model\n$/);
  t.notRegex(part.stderr, /failed/);
  const whole = await answer('verify', out, '--model', moved);
  t.is(whole.code, 0, whole.stderr);
  t.regex(whole.stdout, /^Verification: passed$/m);
});

test('verify and inspect say so where there is no finished run', async (t) => {
  const empty = scratchDirectory(t);
  for (const command of ['verify', 'inspect']) {
    const { code, stderr } = await answer(command, empty);
    t.is(code, 2);
    t.regex(stderr, /holds no finished run/);
  }
});
