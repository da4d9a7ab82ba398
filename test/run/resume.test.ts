import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { readManifest, writeManifest } from '../../src/output/manifest.js';
import { loadConfig } from '../../src/run/config.js';
import { campaignLack } from '../helpers/campaign.js';
import { commandOf, eigenshard, eigenshardUntilRecord, startCommand } from '../helpers/cli.js';
import { npy, scratchDirectory } from '../helpers/fixtures.js';
import { withinOneDay } from '../helpers/one-day.js';
import { dataFiles, runConfig, runHere, shardedModel, verifyHere } from '../helpers/runs.js';
import { sameFiles } from '../helpers/same-files.js';
import { testUnless } from '../helpers/test-unless.js';

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

/** Moments at which a run of 30 partitions and one scan is killed, by the records that it has then. */
const moments = [
  { stage: 'identity', records: 1 },
  { stage: 'basis', records: 1 },
  { stage: 'project', records: 12 },
  { stage: 'verify', records: 1 },
  ...(campaignLack === null
    ? ([
        { records: 1 },
        { stage: 'project', records: 30 },
        { stage: 'scan', records: 1 },
        { stage: 'covariance', records: 1 },
        { stage: 'project', records: 1 },
        { stage: 'verify', records: 30 },
      ] as const)
    : []),
] as const;

test('a run killed after any unit of any stage is resumed to the same files, byte for byte', async (t) => {
  const model = shardedModel(t, 3000, 64).directory;
  const commandOf = (out: string) => ['--model', model, '--out', out, ...options];
  const runWhole = async () => {
    const out = scratchDirectory(t);
    t.is((await eigenshard(...commandOf(out))).code, 0);
    return out;
  };
  const runInTwo = async (moment: (typeof moments)[number]) => {
    const out = scratchDirectory(t);
    const at = { folder: path.basename(out), signal: 'SIGKILL', ...moment } as const;
    const killed = await eigenshardUntilRecord(commandOf(out), at);
    t.is(killed.code, null, killed.stderr);
    t.false(existsSync(path.join(out, 'manifest.json')));
    const resumed = await eigenshard(...commandOf(out), '--resume');
    t.is(resumed.code, 0, resumed.stderr);
    return out;
  };
  const [whole, ...inTwo] = await withinOneDay(async () => {
    const outs: [string, ...string[]] = [await runWhole()];
    for (const moment of moments) outs.push(await runInTwo(moment));
    return outs;
  });
  const expected = dataFiles(whole);
  t.false([...expected.keys()].some((name) => /^(plan\.json|done|parts|failed)/.test(name)));
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

test('a run of several scans and a given metric, killed after any unit, is resumed to the same files', async (t) => {
  const model = shardedModel(t, 9000, 16).directory;
  const [source, whole] = [scratchDirectory(t), scratchDirectory(t)];
  await runHere({ model: shardedModel(t, 100, 16).directory, out: source, tables: 'none' });
  const shared = ['--model', model, '--metric', path.join(source, 'metric.safetensors'), '--quiet'];
  const commandOf = (out: string) => [...shared, '--out', out, '--partition-rows', '3000'];
  t.is((await eigenshard(...commandOf(whole))).code, 0);
  for (const moment of [
    { stage: 'scan', records: 1 },
    { stage: 'project', records: 2 },
  ] as const) {
    const out = scratchDirectory(t);
    const at = { folder: path.basename(out), signal: 'SIGKILL', ...moment } as const;
    const killed = await eigenshardUntilRecord(commandOf(out), at);
    t.is(killed.code, null, killed.stderr);
    const resumed = await eigenshard(...commandOf(out), '--resume');
    t.is(resumed.code, 0, resumed.stderr);
    sameFiles(t, dataFiles(out), dataFiles(whole));
  }
});

/** What becomes of a part. */
const damages = [rmSync, (file: string) => truncateSync(file, 4)];

test('a part that is damaged or lost when a run goes on is made again, to the same files', async (t) => {
  const model = shardedModel(t, 300, 64).directory;
  const whole = scratchDirectory(t);
  const shared = { model, partitionRows: 100 } as const;
  await runHere({ ...shared, out: whole });
  for (const name of ['scan/00000', 'identity/00000', 'basis/00000']) {
    for (const damage of damages) {
      const out = scratchDirectory(t);
      await t.throwsAsync(runHere({ ...shared, out }, { interruptAt: 'projection' }));
      damage(path.join(out, 'parts', `${name}.bin`));
      await runHere({ ...shared, out }, { resume: true });
      sameFiles(t, dataFiles(out), dataFiles(whole));
    }
  }
});

test('a part of the covariance that is damaged or lost is made again by --resume', async (t) => {
  const model = shardedModel(t, 300, 64).directory;
  const whole = scratchDirectory(t);
  const shared = { model, partitionRows: 100 } as const;
  await runHere({ ...shared, out: whole });
  for (const damage of damages) {
    const out = scratchDirectory(t);
    const command = ['--model', model, '--out', out, '--partition-rows', '100', '--backend', 'portable'];
    const at = { folder: path.basename(out), stage: 'covariance', records: 1, signal: 'SIGKILL' } as const;
    t.is((await eigenshardUntilRecord(command, at)).code, null);
    damage(path.join(out, 'parts/covariance/00000.bin'));
    await runHere({ ...shared, out }, { resume: true });
    sameFiles(t, dataFiles(out), dataFiles(whole));
  }
});

test('inputs that were moved since a run was killed are read, and recorded, where they lie now', async (t) => {
  const first = shardedModel(t, 300, 16).directory;
  const whole = scratchDirectory(t);
  await runHere({ model: first, out: whole, partitionRows: 100, ridge: 1e-3 });
  const metric = path.join(path.dirname(first), 'metric.safetensors');
  for (const given of [[], ['--metric', metric]]) {
    const model = path.join(scratchDirectory(t), 'sharded');
    cpSync(first, model, { recursive: true });
    cpSync(path.join(whole, 'metric.safetensors'), metric);
    const out = scratchDirectory(t);
    const options = [
      ...['--out', out, '--partition-rows', '100', '--ridge', '1e-3'],
      ...['--backend', 'portable', '--quiet'],
    ];
    const at = { folder: path.basename(out), stage: 'project', records: 1, signal: 'SIGKILL' } as const;
    t.is((await eigenshardUntilRecord(['--model', model, ...given, ...options], at)).code, null);
    const elsewhere = scratchDirectory(t);
    const move = (from: string) => {
      const to = path.join(elsewhere, path.basename(from));
      renameSync(from, to);
      return to;
    };
    const now = ['--model', move(model), ...(given.length === 0 ? [] : ['--metric', move(metric)])];
    const { code, stderr } = await eigenshard(...now, ...options, '--resume');
    t.is(code, 0, stderr);
    t.is(readManifest(out).model.path, path.join(elsewhere, 'sharded'));
    t.is((await eigenshard('verify', out, '--quiet')).code, 0);
    if (given.length === 0) sameFiles(t, dataFiles(out), dataFiles(whole));
  }
});

test('weights that changed before the scan of a killed run was complete are told', async (t) => {
  const model = shardedModel(t, 9000, 16).directory;
  const out = scratchDirectory(t);
  const command = ['--model', model, '--out', out, '--quiet'];
  const at = { folder: path.basename(out), stage: 'scan', records: 1, signal: 'SIGKILL' } as const;
  t.is((await eigenshardUntilRecord(command, at)).code, null);
  const file = path.join(model, 'model-00002-of-00002.safetensors');
  const bytes = readFileSync(file);
  // The last row is scanned by the second unit, which has no record; the first row by the first.
  bytes[bytes.length - 2]! ^= 1;
  writeFileSync(file, bytes);
  t.is((await eigenshard(...command, '--resume')).code, 0);
  t.is((await eigenshard('verify', out, '--quiet')).code, 0);
});

test('a damaged finished run that other kernels computed is refused, and stays as it is', async (t) => {
  const out = scratchDirectory(t);
  await runHere({ model: shardedModel(t, 300, 16).directory, out, partitionRows: 100 });
  rmSync(path.join(out, 'projections/parquet/part-00001.parquet'));
  const file = path.join(out, 'manifest.json');
  const manifest = readManifest(out);
  manifest.execution.kernels = { ...manifest.execution.kernels, sums: 'another library 1.0' };
  writeManifest(out, manifest);
  const before = readFileSync(file);
  await t.throwsAsync(runHere({ model: manifest.model.path, out, partitionRows: 100 }, { resume: true }), {
    message: /is computed by other kernels \(.*; covariances by another library 1\.0\) than this one/,
  });
  t.deepEqual(readFileSync(file), before);
});

test('a resumed run computes only what is missing or damaged', async (t) => {
  const model = shardedModel(t, 1000, 32).directory;
  const out = scratchDirectory(t);
  await runHere({ model, out, partitionRows: 100 });
  const expected = dataFiles(out);
  // The state of a run that was killed before its commit: two partitions are not recorded.
  const lines = readFileSync(path.join(out, 'records.jsonl'), 'utf8').split('\n');
  const kept = lines.filter(
    (line) => !/"unit":[89],.*"stage":"project"|"stage":"project","unit":[89],/.test(line),
  );
  t.is(kept.length, lines.length - 2);
  unlinkSync(path.join(out, 'manifest.json'));
  writeFileSync(path.join(out, 'records.jsonl'), `${kept.join('\n')}{"kernels":{"back`);
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
  const { code, stderr } = await eigenshardUntilRecord(command, {
    folder,
    stage: 'project',
    records: 17,
    signal: 'SIGINT',
  });
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

const limitTest = testUnless(process.platform === 'win32' ? 'the shell of Windows limits no files' : null);

limitTest(
  'a metric that does not fit on the disk ends the run by its name, and the same call goes on',
  async (t) => {
    const { directory: model } = shardedModel(t, 900, 160);
    const out = path.join(scratchDirectory(t), 'run');
    const words = commandOf(['--model', model, '--out', out, '--backend', 'portable', '--workers', '2']);
    // In units of 1,024 bytes: the metric is larger, and is written while the basis is checked, which is not.
    const limited = ['bash', '-c', 'ulimit -f 250; exec "$@"', 'bash', ...words];
    const { code, stderr } = await startCommand(limited).ended;
    t.is(code, 1, stderr);
    t.regex(stderr, /metric\.safetensors: cannot write: /);
    t.regex(stderr, /--resume/);
    const left = readdirSync(out);
    t.deepEqual(
      left.filter((name) => /lock|metric|partial/.test(name)),
      [],
    );
    t.is((await startCommand([...words, '--resume']).ended).code, 0);
    t.true((await verifyHere(out)).verification.passed);
  },
);
