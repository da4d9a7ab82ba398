import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { readManifest } from '../../src/output/manifest.js';
import { loadConfig } from '../../src/run/config.js';
import { eigenshard, eigenshardUntilLine } from '../helpers/cli.js';
import { npy, scratchDirectory } from '../helpers/fixtures.js';
import { withinOneDay } from '../helpers/one-day.js';
import { dataFiles, runConfig, runHere, shardedModel } from '../helpers/runs.js';
import { sameFiles } from '../helpers/same-files.js';

const options = [
  '--partition-rows',
  '100',
  '--format',
  'both',
  '--export',
  'pt,npy',
  '--workers',
  '2',
  '--quiet',
];

test('a run killed after any step is resumed to the same files, byte for byte', async (t) => {
  const model = shardedModel(t, 3000, 64).directory;
  const commandOf = (out: string) => ['--model', model, '--out', out, ...options];
  const runWhole = async () => {
    const out = scratchDirectory(t);
    t.is((await eigenshard(...commandOf(out))).code, 0);
    return out;
  };
  const runInTwo = async (lines: number) => {
    const out = scratchDirectory(t);
    const at = { folder: path.basename(out), lines, signal: 'SIGKILL' } as const;
    const killed = await eigenshardUntilLine(commandOf(out), at);
    t.is(killed.code, null, killed.stderr);
    t.false(existsSync(path.join(out, 'manifest.json')));
    const resumed = await eigenshard(...commandOf(out), '--resume');
    t.is(resumed.code, 0, resumed.stderr);
    return out;
  };
  const [whole, ...inTwo] = await withinOneDay(async () => {
    const outs: [string, ...string[]] = [await runWhole()];
    // Lines of the journal: header, metric, eigenbasis, then 30 partitions.
    for (const lines of [1, 2, 3, 4, 12, 33]) outs.push(await runInTwo(lines));
    return outs;
  });
  const expected = dataFiles(whole);
  for (const out of inTwo) {
    sameFiles(t, dataFiles(out), expected);
    const { execution: _, ...manifest } = readManifest(out);
    const { execution: __, ...wholeManifest } = readManifest(whole);
    const place = (text: string) => text.replaceAll(out, '<out>').replaceAll(whole, '<out>');
    t.deepEqual(
      JSON.parse(place(JSON.stringify(manifest))),
      JSON.parse(place(JSON.stringify(wholeManifest))),
    );
  }
});

test('a resumed run computes only what is missing or damaged', async (t) => {
  const model = shardedModel(t, 1000, 32).directory;
  const out = scratchDirectory(t);
  const { directory } = await runHere({ model, out, partitionRows: 100 });
  const expected = dataFiles(out);
  // The state of a run that was killed before its commit: journal, no manifest.
  const manifest = readManifest(directory);
  const lines = [
    {
      step: 'run',
      fingerprint: manifest.fingerprint,
      started: manifest.execution.started,
      exports: [],
      kernels: manifest.execution.kernels,
    },
    { step: 'metric', file: manifest.metric.file },
    { step: 'eigenbasis', file: manifest.eigenbasis },
    ...manifest.partitions
      .slice(0, 8)
      .map(({ files }, index) => ({ step: 'partition', index, files, crc32: null })),
  ].map((line) => JSON.stringify(line));
  unlinkSync(path.join(out, 'manifest.json'));
  writeFileSync(path.join(out, 'journal.jsonl'), `${lines.join('\n')}\n{"step":"part`);
  const damaged = path.join(out, 'projections/parquet/part-00003.parquet');
  const bytes = readFileSync(damaged);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(damaged, bytes);
  unlinkSync(path.join(out, 'projections/parquet/part-00005.parquet'));

  const notes: string[] = [];
  await runHere({ model, out, partitionRows: 100 }, { resume: true, notes });
  t.true(notes.includes('resuming: 6 of 10 partitions are done and intact'));
  t.regex(notes.join('\n'), /part-00003.parquet: not the recorded bytes: to be computed again/);
  t.regex(notes.join('\n'), /part-00005.parquet: .*to be computed again/);
  sameFiles(t, dataFiles(out), expected);
});

test('Ctrl-C stops cleanly, says how to go on, and the run goes on', async (t) => {
  const model = shardedModel(t, 3000, 64).directory;
  const out = scratchDirectory(t);
  const command = ['--model', model, '--out', out, '--partition-rows', '10', '--workers', '2'];
  const folder = path.basename(out);
  const { code, stderr } = await eigenshardUntilLine(command, { folder, lines: 20, signal: 'SIGINT' });
  t.is(code, 130, stderr);
  t.regex(stderr, /interrupted. Run the same command with --resume to continue/);
  t.false(existsSync(path.join(out, 'manifest.json')));
  t.deepEqual(
    [...dataFiles(out).keys()].filter((name) => name.includes('partial') || name.includes('lock')),
    [],
  );
  const resumed = await eigenshard(...command, '--resume');
  t.is(resumed.code, 0, resumed.stderr);
  t.regex(resumed.stderr, /resuming: \d+ of 300 partitions are done and intact/);
});

test('a directory with another run is refused, whatever its state', async (t) => {
  const model = shardedModel(t, 200, 16).directory;
  const out = scratchDirectory(t);
  await runHere({ model, out });
  await t.throwsAsync(runHere({ model, out }), { message: /already holds a finished run.*--overwrite/ });
  await t.throwsAsync(runHere({ model, out, ridge: 1e-3 }, { resume: true }), {
    message: /holds another run .*inputs or options differ: ridge 1e-6 -> 1e-3 \(there -> here\)/,
  });
  const again = await runHere({ model, out }, { resume: true });
  t.true(again.finishedBefore);
});

test('a finished run that has more tables and exports than are asked for is finished, and what it lacks is told how to add', async (t) => {
  const model = shardedModel(t, 200, 16).directory;
  const out = scratchDirectory(t);
  const resume = { resume: true };
  const { manifest } = await runHere({ model, out, export: ['npy'], top: 7 });
  const before = dataFiles(out);
  for (const wanted of [
    { export: ['npy'], top: 7 },
    { top: 7 },
    { export: ['npy'], tables: 'none' },
    { tables: 'none' },
  ] as const)
    t.true((await runHere({ model, out, ...wanted }, resume)).finishedBefore);
  for (const [wanted, differences, options] of [
    [{ top: 7, export: ['npy', 'pt'] }, '--export npy -> npy,pt', '--export pt'],
    [{ top: 9 }, '--top 7 -> 9', '--tables all --top 9'],
    [
      { export: ['safetensors'] },
      '--top 7 -> 20, --export npy -> npy,safetensors',
      '--export safetensors --tables all --top 20',
    ],
  ] as const) {
    const { message } = (await t.throwsAsync(runHere({ model, out, ...wanted }, resume)))!;
    t.true(message.includes(`differ: ${differences} (there -> here)`), message);
    t.true(message.endsWith(` eigenshard export ${out} ${options}`), message);
  }
  sameFiles(t, dataFiles(out), before);
  // Damaged, it is mended as it is, and keeps what is not asked for.
  for (const wanted of [{ export: ['npy'], top: 7 }, { top: 3 }, { tables: 'none' }] as const) {
    unlinkSync(path.join(out, 'projections.npy'));
    unlinkSync(path.join(out, 'extremes.parquet'));
    t.deepEqual((await runHere({ model, out, ...wanted }, resume)).manifest.options, manifest.options);
    sameFiles(t, dataFiles(out), before);
  }
});

test('an unfinished run keeps the exports and tables that it was begun with, and is not given others', async (t) => {
  const model = shardedModel(t, 200, 16).directory;
  const [whole, out] = [scratchDirectory(t), scratchDirectory(t)];
  const asked = { model, export: ['npy'], top: 7 } as const;
  await runHere({ ...asked, out: whole });
  await t.throwsAsync(runHere({ ...asked, out }, { interruptAt: 'projection' }));
  await t.throwsAsync(runHere({ model, out, export: ['pt'], top: 9 }, { resume: true }), {
    message:
      /to be completed, .*differ: --top 7 -> 9, --export npy -> npy,pt \(there -> here\). Ask for those/,
  });
  const notes: string[] = [];
  await runHere({ model, out, tables: 'none' }, { resume: true, notes });
  t.regex(notes.join('\n'), /the run there also has --export npy --tables all --top 7, which it keeps/);
  sameFiles(t, dataFiles(out), dataFiles(whole));
});

test('an export with a place of its own is not taken from a record, which may come from anywhere', async (t) => {
  const model = shardedModel(t, 60, 8).directory;
  const [out, place] = [scratchDirectory(t), path.join(scratchDirectory(t), 'p.npy')];
  const config = await loadConfig(null, { model, out, workers: 2, backend: 'portable' });
  const own = { ...config, exports: { npy: { projections: place } } };
  await runConfig(own, {});
  unlinkSync(place);
  await t.throwsAsync(runHere({ model, out }, { resume: true }), {
    message: /to be completed, .*differ: --export npy -> none \(there -> here\). Ask for those/,
  });
  t.false(existsSync(place));
  await runConfig(own, { resume: true });
  t.true(existsSync(place));
});

test('what differs from the run that lies there is named, finished or not, before it is advised to replace it', async (t) => {
  const [model, others] = [shardedModel(t, 200, 16).directory, shardedModel(t, 200, 16, 8).directory];
  const metric = path.join(scratchDirectory(t), 'metric.npy');
  const identity = Float32Array.from({ length: 256 }, (_, k) => (k % 17 === 0 ? 1 : 0));
  writeFileSync(metric, npy('<f4', [16, 16], new Uint8Array(identity.buffer)));
  const [finished, unfinished] = [scratchDirectory(t), scratchDirectory(t)];
  await runHere({ model, out: finished });
  await t.throwsAsync(runHere({ model, out: unfinished }, { interruptAt: 'projection' }));
  const weights = /differ: weights SHA-256 \w{12} -> SHA-256 \w{12} \(there -> here\)/;
  for (const out of [finished, unfinished]) {
    for (const [changes, message] of [
      [{ ridge: 1e-4, top: 7 }, /differ: ridge 1e-6 -> 1e-4 \(there -> here\). Ask.* --overwrite/],
      [{ model: others }, weights],
      [{ metric }, /differ: metric computed -> file of SHA-256 \w{12}, ridge 1e-6 -> unknown \(/],
      // Tables and exports are no hindrance.
      [{ tables: 'none', format: 'both' }, /differ: --format parquet -> both \(/],
      [{ partitionRows: 50, export: ['npy', 'pt'] }, /differ: --partition-rows 200 -> 50 \(/],
    ] as const)
      await t.throwsAsync(runHere({ model, out, ...changes }, { resume: true }), { message });
  }
});

test('--overwrite replaces a run and leaves every other file alone', async (t) => {
  const model = shardedModel(t, 200, 16).directory;
  const out = scratchDirectory(t);
  await runHere({ model, out, partitionRows: 50 });
  const mine = path.join(out, 'projections', 'notes.txt');
  writeFileSync(mine, 'mine');
  await runHere({ model, out, partitionRows: 100 }, { overwrite: true });
  t.is(readFileSync(mine, 'utf8'), 'mine');
  t.false(existsSync(path.join(out, 'projections/parquet/part-00003.parquet')));
  t.is(readManifest(out).partitions.length, 2);
});

test('a file that no run wrote is never replaced', async (t) => {
  const model = shardedModel(t, 200, 16).directory;
  const out = scratchDirectory(t);
  const mine = path.join(out, 'projections.npy');
  writeFileSync(mine, 'mine');
  for (const overwrite of [false, true]) {
    await t.throwsAsync(runHere({ model, out, export: ['npy'] }, { overwrite }), {
      message: /projections.npy: exists, and no eigenshard run .* wrote it/,
    });
  }
  t.is(readFileSync(mine, 'utf8'), 'mine');
});
