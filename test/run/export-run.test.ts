import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EigenshardError } from '../../src/errors.js';
import { type Manifest, readManifest } from '../../src/output/manifest.js';
import { openRun } from '../../src/output/open-run.js';
import { loadConfig, type Overrides } from '../../src/run/config.js';
import { type ExportOptions, exportRun } from '../../src/run/export-run.js';
import { answer } from '../helpers/answers.js';
import { eigenshardUntilRename } from '../helpers/cli.js';
import { npy, scratchDirectory } from '../helpers/fixtures.js';
import { withinOneDay } from '../helpers/one-day.js';
import { dataFiles, runConfig, runHere, shardedModel, verifyHere } from '../helpers/runs.js';
import { sameFiles } from '../helpers/same-files.js';

const resume = { resume: true };

/** What a manifest says but for how the run went, and where it lies. */
function told({ execution: _, ...manifest }: Manifest, out: string): unknown {
  return JSON.parse(JSON.stringify(manifest).replaceAll(out, '<out>'));
}

/** A run in a new folder. */
async function made(t: ExecutionContext, overrides: Overrides): Promise<string> {
  const out = path.join(scratchDirectory(t), 'run');
  await runHere({ out, ...overrides });
  return out;
}

/** The message of the failure of an export, which leaves the run as it was. */
async function refusal(t: ExecutionContext, out: string, options: ExportOptions): Promise<EigenshardError> {
  const before = dataFiles(out);
  const manifest = readFileSync(path.join(out, 'manifest.json'));
  const error = await t.throwsAsync(exportRun(out, { workers: 2, ...options }), {
    instanceOf: EigenshardError,
  });
  sameFiles(t, dataFiles(out), before);
  t.true(readFileSync(path.join(out, 'manifest.json')).equals(manifest));
  return error;
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  writeFileSync(file, bytes);
}

/** A metric file, M = diag(1, 2, ...). */
function metricFile(t: ExecutionContext, d: number): string {
  const file = path.join(scratchDirectory(t), 'metric.npy');
  const values = Float32Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 + k / (d + 1) : 0));
  writeFileSync(file, npy('<f4', [d, d], new Uint8Array(values.buffer)));
  return file;
}

for (const [format, isGiven] of [
  ['parquet', true],
  ['arrow', false],
  ['both', false],
] as const) {
  test(`what is added to a finished run has the bytes of a run that was made with it: ${format}`, async (t) => {
    // Odd sizes: Arrow pads to 8 bytes, the last partition is shorter, and a strip of rows ends within one.
    const { directory: model, hidden } = shardedModel(t, 1301, 9);
    const metric = isGiven ? { metric: path.relative('.', metricFile(t, hidden)) } : {};
    const base = { model, format, partitionRows: 600, ...metric } as const;
    const wanted = { export: ['pt', 'safetensors', 'npy'], top: 7 } as const;
    const [extended, whole] = await withinOneDay(
      async () =>
        [await made(t, { ...base, tables: 'none' }), await made(t, { ...base, ...wanted })] as const,
    );
    const first = await exportRun(extended, { exports: ['npy', 'pt'], workers: 2 });
    t.deepEqual(first.made, ['eigenbasis.pt', 'projections.pt', 'projections.npy']);
    t.deepEqual(first.manifest, readManifest(extended));
    t.is(first.manifest.tables, null);
    const second = await exportRun(extended, { exports: ['safetensors', 'npy'], top: 7, workers: 3 });
    t.deepEqual(second.intact, ['projections.npy']);
    t.deepEqual(second.made, [
      'projections.safetensors',
      ...['tokens', 'eigenvectors', 'extremes', 'histograms'].map((name) => `${name}.parquet`),
      'report.html',
    ]);
    sameFiles(t, dataFiles(extended), dataFiles(whole));
    t.deepEqual(told(readManifest(extended), extended), told(readManifest(whole), whole));
    t.is((await verifyHere(extended)).problems, '');
    const lacking = { resume: true };
    t.true((await runHere({ out: extended, ...base, ...wanted }, lacking)).finishedBefore);
    t.true((await runHere({ out: extended, ...base, tables: 'none' }, lacking)).finishedBefore);
    await t.throwsAsync(runHere({ out: extended, ...base, top: 8 }, lacking), { message: /--top 7 -> 8/ });
  });
}

test('tables with other lists replace those of the run, with the bytes of a run that was made with them', async (t) => {
  const { directory: model } = shardedModel(t, 300, 8);
  const [extended, whole] = [
    await made(t, { model, partitionRows: 100, top: 3, report: false }),
    await made(t, { model, partitionRows: 100, top: 12, report: false }),
  ];
  const { made: files, manifest } = await exportRun(extended, { top: 12, workers: 2 });
  // The run has no report, and is to have none.
  t.deepEqual(
    files,
    ['tokens', 'eigenvectors', 'extremes', 'histograms'].map((name) => `${name}.parquet`),
  );
  sameFiles(t, dataFiles(extended), dataFiles(whole));
  t.deepEqual(told(manifest, extended), told(readManifest(whole), whole));
  // Asked for as they are, they are left.
  const again = await exportRun(extended, { tables: 'all', workers: 2 });
  t.deepEqual([again.made, again.intact], [[], files]);
  t.deepEqual(again.manifest, manifest);
});

test('a report stays with the tables that are made again', async (t) => {
  const { directory: model } = shardedModel(t, 120, 8);
  const [extended, whole] = [await made(t, { model, top: 3 }), await made(t, { model, top: 500 })];
  const { made: files } = await exportRun(extended, { top: 500, workers: 2 });
  t.is(files.at(-1), 'report.html');
  sameFiles(t, dataFiles(extended), dataFiles(whole));
  // A list has no more places than there are tokens, so that other numbers above that ask for the same.
  t.deepEqual((await exportRun(extended, { top: 121, workers: 2 })).made, []);
});

test('what is there and intact is left, what is damaged or missing is made again, to the same bytes', async (t) => {
  const { directory: model } = shardedModel(t, 200, 8);
  const out = await made(t, { model, partitionRows: 70, export: ['pt', 'npy'] });
  const [before, manifest] = [dataFiles(out), readManifest(out)];
  flip(path.join(out, 'projections.npy'), 900);
  rmSync(path.join(out, 'eigenbasis.pt'));
  flip(path.join(out, 'histograms.parquet'), 77);
  const { made: files, intact } = await exportRun(out, { exports: ['pt', 'npy'], tables: 'all', workers: 2 });
  t.deepEqual(files.slice(0, 2), ['eigenbasis.pt', 'projections.npy']);
  t.is(files.length, 7);
  t.deepEqual(intact, ['projections.pt']);
  sameFiles(t, dataFiles(out), before);
  t.deepEqual(readManifest(out), manifest);
});

test('an export with a place of its own is left where it is intact, and told who makes it again where it is not', async (t) => {
  const { directory: model } = shardedModel(t, 40, 8);
  const [out, npyFile] = [path.join(scratchDirectory(t), 'run'), path.join(scratchDirectory(t), 'p.npy')];
  const config = await loadConfig(null, { model, out, workers: 2, backend: 'portable' });
  await runConfig({ ...config, exports: { npy: { projections: npyFile } } }, {});
  t.deepEqual((await exportRun(out, { exports: ['npy'], workers: 2 })).intact, [npyFile]);
  flip(npyFile, 500);
  const damaged = readFileSync(npyFile);
  t.regex((await refusal(t, out, { exports: ['npy'] })).message, /p\.npy: is damaged or missing.*--resume/);
  t.true(readFileSync(npyFile).equals(damaged));
});

test('nothing is made of a damaged run, which is named with what mends it', async (t) => {
  const { directory: model } = shardedModel(t, 300, 8);
  for (const format of ['parquet', 'arrow'] as const) {
    const out = await made(t, { model, format, partitionRows: 100, tables: 'none' });
    const before = dataFiles(out);
    const part = path.join(out, `projections/${format}/part-00001.${format}`);
    const bytes = readFileSync(part);
    for (const [damage, message] of [
      [() => flip(part, bytes.length >> 1), /part-00001\.\w+: CRC-32 differs from the recorded one\n/],
      [() => rmSync(part), /part-00001\.\w+: is missing\n/],
      [() => writeFileSync(part, bytes.subarray(0, -1)), /part-00001/],
    ] as const) {
      damage();
      for (const options of [{ exports: ['npy', 'pt'] }, { top: 4 }] as ExportOptions[]) {
        const error = await refusal(t, out, options);
        t.is(error.kind, 'verification');
        t.regex(error.message, message);
        t.regex(error.message, /--resume --checksums makes again what is damaged; then ask again$/);
      }
      writeFileSync(part, bytes);
    }
    flip(path.join(out, 'eigenbasis.safetensors'), 800);
    t.regex(
      (await refusal(t, out, { exports: ['pt'] })).message,
      /eigenbasis\.safetensors: not the recorded/,
    );
    await runHere({ model, out, format, partitionRows: 100, tables: 'none' }, resume);
    sameFiles(t, dataFiles(out), before);
  }
});

test('a kill at any moment leaves the run as it was or as it is to be, for every reader, and is gone on from', async (t) => {
  const { directory: model } = shardedModel(t, 90, 8);
  const [before, after] = await withinOneDay(
    async () =>
      [
        await made(t, { model, partitionRows: 40, top: 3 }),
        await made(t, { model, partitionRows: 40, top: 5, export: ['npy'] }),
      ] as const,
  );
  const [former, latter] = [before, after].map((out) => told(readManifest(out), out));
  const stage = '.eigenshard.export';
  for (const [target, isCommitted] of [
    [`${stage}/projections.npy`, false],
    [`${stage}/extremes.parquet`, false],
    ['manifest.json', false],
    // The first, one in the middle and the last of the files that take their places.
    ['tokens.parquet', true],
    ['histograms.parquet', true],
    ['projections.npy', true],
  ] as const) {
    const out = path.join(scratchDirectory(t), 'run');
    cpSync(before, out, { recursive: true });
    const killed = await eigenshardUntilRename(
      ['export', out, '--export', 'npy', '--top', '5', '--workers', '2', '--quiet'],
      path.join(out, target),
    );
    t.is(killed.code, null, `${target}: ${killed.stderr}`);
    t.true(existsSync(path.join(out, stage)), target);
    t.deepEqual(told(readManifest(out), out), isCommitted ? latter : former, target);
    t.is((await verifyHere(out)).problems, '', target);
    const extremes = await (await openRun(out)).table('extremes');
    t.is(extremes.rows, 8 * 6 * (isCommitted ? 5 : 3), target);
    const { stdout } = await answer('sql', out, 'SELECT count(*) AS n FROM extremes', '--json');
    t.true(stdout.includes(String(extremes.rows)), stdout);
    // Whoever takes the directory next puts in order what lies there.
    await t.throwsAsync(runHere({ model, out, partitionRows: 40 }), {
      message: /already holds a finished run/,
    });
    sameFiles(t, dataFiles(out), dataFiles(isCommitted ? after : before));
    await exportRun(out, { exports: ['npy'], top: 5, workers: 2 });
    sameFiles(t, dataFiles(out), dataFiles(after));
  }
});

test('exports need no checkpoint; tables do, and take it from where it lies now', async (t) => {
  const { directory: model } = shardedModel(t, 60, 8);
  const { directory: other } = shardedModel(t, 60, 8, 11);
  const out = await made(t, { model, tables: 'none' });
  const moved = path.join(scratchDirectory(t), 'moved');
  renameSync(model, moved);
  t.deepEqual((await exportRun(out, { exports: ['npy'], workers: 1 })).made, ['projections.npy']);
  const error = await refusal(t, out, { exports: ['safetensors'], tables: 'all' });
  t.is(error.kind, 'input');
  t.regex(
    error.message,
    /^tables are made of the checkpoint as well, and it is not at hand: .*give --model$/,
  );
  t.regex(
    (await refusal(t, out, { tables: 'all', model: other })).message,
    /not what this run was made from/,
  );
  const { made: files } = await exportRun(out, { tables: 'all', model: moved, workers: 1 });
  t.is(files.length, 5);
  t.is((await verifyHere(out, { model: moved })).problems, '');
});

test('what was added is mended with the run, whether it is asked for again or not', async (t) => {
  const { directory: model } = shardedModel(t, 150, 8);
  const base = { model, partitionRows: 60 } as const;
  const out = await made(t, base);
  await exportRun(out, { exports: ['npy', 'pt'], top: 4, workers: 2 });
  const [expected, manifest] = [dataFiles(out), readManifest(out)];
  const asItIs = { out, ...base, export: ['npy', 'pt'], top: 4 } as const;
  const damages = [
    () => flip(path.join(out, 'projections/parquet/part-00001.parquet'), 300),
    () => flip(path.join(out, 'projections.pt'), 3000),
    () => rmSync(path.join(out, 'projections.npy')),
    () => rmSync(path.join(out, 'extremes.parquet')),
    () => flip(path.join(out, 'eigenbasis.safetensors'), 800),
  ];
  for (const damage of damages) {
    damage();
    t.false((await runHere(asItIs, resume)).finishedBefore);
    sameFiles(t, dataFiles(out), expected);
    t.deepEqual(told(readManifest(out), out), told(manifest, out));
    t.is((await verifyHere(out)).problems, '');
  }
  // The command that has made the run knows nothing of what was added.
  const [manifestFile, records] = [path.join(out, 'manifest.json'), path.join(out, 'records.jsonl')];
  for (const damage of [
    ...damages,
    () => rmSync(manifestFile),
    () => truncateSync(manifestFile, 200),
    () => rmSync(records),
    () =>
      [manifestFile, path.join(out, 'projections.pt'), path.join(out, 'tokens.parquet')].map((name) =>
        rmSync(name),
      ),
  ]) {
    damage();
    t.false((await runHere({ out, ...base, tables: 'none' }, resume)).finishedBefore);
    sameFiles(t, dataFiles(out), expected);
    t.deepEqual(told(readManifest(out), out), told(manifest, out));
    t.deepEqual((await exportRun(out, { exports: ['npy', 'pt'], top: 4, workers: 2 })).made, []);
    t.is((await verifyHere(out)).problems, '');
  }
  const replaced = await runHere({ out, ...base }, { overwrite: true });
  t.deepEqual(replaced.manifest.exports, []);
  t.false(existsSync(path.join(out, 'projections.npy')));
});

test('an export that a lost record has named is recorded again, byte for byte, and another file in its place is left', async (t) => {
  const { directory: model } = shardedModel(t, 50, 8);
  const [out, named] = await withinOneDay(
    async () => [await made(t, { model }), await made(t, { model, export: ['npy', 'pt'] })] as const,
  );
  const files = ['projections.npy', 'projections.pt', 'eigenbasis.pt'];
  for (const name of files) cpSync(path.join(named, name), path.join(out, name));
  await exportRun(out, { exports: ['npy', 'pt'], workers: 1 });
  sameFiles(t, dataFiles(out), dataFiles(named));
  const other = await made(t, { model });
  cpSync(path.join(named, 'projections.npy'), path.join(other, 'projections.npy'));
  flip(path.join(other, 'projections.npy'), 900);
  t.regex((await refusal(t, other, { exports: ['npy'] })).message, /has not recorded it. Move it away/);
});

test('a file that the run has not recorded is never replaced, and no link is followed', async (t) => {
  const { directory: model } = shardedModel(t, 30, 8);
  const out = await made(t, { model, tables: 'none' });
  const outside = path.join(scratchDirectory(t), 'outside');
  mkdirSync(outside);
  writeFileSync(path.join(outside, 'precious'), 'mine');
  for (const [name, options] of [
    ['projections.npy', { exports: ['npy'] }],
    ['eigenbasis.pt', { exports: ['pt'] }],
    ['report.html', { tables: 'all' }],
    ['tokens.parquet', { top: 3 }],
  ] as [string, ExportOptions][]) {
    writeFileSync(path.join(out, name), 'of somebody');
    t.regex((await refusal(t, out, options)).message, /exists, and the run in .* has not recorded it/);
    rmSync(path.join(out, name));
  }
  symlinkSync(outside, path.join(out, '.eigenshard.export'));
  await exportRun(out, { exports: ['npy'], workers: 1 });
  t.false(readdirSync(out).includes('.eigenshard.export'));
  t.is(readFileSync(path.join(outside, 'precious'), 'utf8'), 'mine');
});

test('wrong options, an abort, and a place without a finished run are refused', async (t) => {
  const { directory: model } = shardedModel(t, 30, 8);
  const out = await made(t, { model });
  for (const [options, message] of [
    [{}, /ask for something to be added/],
    [{ exports: [] }, /ask for something to be added/],
    [{ exports: ['csv'] }, /options: "exports\.0" is "csv"/],
    [{ tables: 'none' }, /options: "tables" is "none"/],
    [{ top: 0 }, /options: "top" is 0/],
    [{ top: 1001 }, /options: "top" is 1001/],
  ] as [ExportOptions, RegExp][]) {
    const error = await refusal(t, out, options);
    t.is(error.kind, 'input');
    t.regex(error.message, message);
  }
  t.is(
    (await refusal(t, out, { exports: ['npy'], signal: AbortSignal.abort() } as ExportOptions)).kind,
    'interrupted',
  );
  const empty = scratchDirectory(t);
  await t.throwsAsync(exportRun(empty, { exports: ['npy'] }), { message: /holds no finished run/ });
  t.deepEqual(readdirSync(empty), []);
  await t.throwsAsync(exportRun(path.join(empty, 'none'), { exports: ['npy'] }), {
    instanceOf: EigenshardError,
  });
  t.deepEqual(readdirSync(empty), []);
});

test('the command says what it made and what was there, as text and as JSON', async (t) => {
  const { directory: model } = shardedModel(t, 30, 8);
  const out = await made(t, { model, tables: 'none' });
  const first = await answer('export', out, '--export', 'npy', '--workers', '1');
  t.is(first.code, 0, first.stderr);
  t.is(first.stdout, `${out}\n  projections.npy  1.09 kB  made\n`);
  t.regex(first.stderr, /^export: .* 30 rows/m);
  const second = await answer(
    'export',
    out,
    '--export',
    'npy,safetensors',
    '--workers',
    '1',
    '--json',
    '--quiet',
  );
  t.is(second.stderr, '');
  const { directory, made: files, intact, ...manifest } = JSON.parse(second.stdout);
  t.deepEqual([directory, files, intact], [out, ['projections.safetensors'], ['projections.npy']]);
  const { seal: _, ...stored } = JSON.parse(readFileSync(path.join(out, 'manifest.json'), 'utf8'));
  t.deepEqual(manifest, stored);
  const nothing = await answer('export', out);
  t.is(nothing.code, 2);
  t.regex(nothing.stderr, /ask for something to be added: .*npy/);
  t.is((await answer('export', out, '--tables', 'none')).code, 2);
});
