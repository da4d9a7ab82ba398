import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import type { DoneRecord } from '../../src/output/done-records.js';
import { publishRecord, recordName } from '../../src/output/done-records.js';
import { type Manifest, readManifest } from '../../src/output/manifest.js';
import { RunDirectory } from '../../src/output/run-directory.js';
import { readRecordsFile } from '../../src/output/run-records.js';
import { withdrawUnit } from '../../src/run/unit-run.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { sampleManifest } from '../helpers/sample-manifest.js';
import {
  contentOf,
  doneRecord,
  identityRecord,
  npyExport,
  sampleKernels,
  wantedRun,
} from '../helpers/sample-plan.js';

const neither = { resume: false, overwrite: false };
const resume = { resume: true, overwrite: false };
const overwrite = { resume: false, overwrite: true };

const partition = 'projections/parquet/part-00000.parquet';
const written = (path: string) => ({ path, bytes: 4, crc32: 5 });
const record = (path: string) => ({ path, bytes: 4, sha256: 'ab' });
/** Its one row of one projection is the four bytes of a file. */
const model = { ...sampleManifest().model, rows: 1, hidden: 1 };
const verified = (path: string) => ({ ...written(path), sha256: 'ab' });

/** What a unit is said to have done in a test. */
type Done = Pick<DoneRecord, 'stage'> & Partial<DoneRecord>;

/** Writes small files, named relative to `directory` or absolutely. @returns their absolute paths */
function put(directory: string, ...names: string[]): string[] {
  return names.map((name) => {
    const file = resolve(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, name);
    return file;
  });
}

/** A directory with a run that was killed when its scan and these units were done. */
async function unfinishedRun(
  t: ExecutionContext,
  { changes = {}, done = [] }: { changes?: Parameters<typeof wantedRun>[0]; done?: readonly Done[] } = {},
): Promise<string> {
  const directory = join(scratchDirectory(t), 'run');
  const run = await RunDirectory.open(directory, neither);
  const { plan } = run.begin(wantedRun(changes), []);
  publishRecord(run.store, identityRecord(plan));
  for (const unit of done) publishRecord(run.store, doneRecord(plan, unit));
  run.close();
  return directory;
}

function commit(run: RunDirectory, { execution, ...results }: Manifest): Manifest {
  return run.commit(results, () => execution);
}

/** A directory with a finished run of one partition. */
async function finishedRun(t: ExecutionContext, changes: Partial<Manifest> = {}): Promise<string> {
  const directory = join(scratchDirectory(t), 'run');
  const run = await RunDirectory.open(directory, neither);
  const { plan } = run.begin(wantedRun(), []);
  publishRecord(run.store, identityRecord(plan));
  put(directory, partition, 'eigenbasis.safetensors', 'metric.safetensors');
  const { options } = sampleManifest();
  const made = {
    fingerprint: 'one',
    model: { ...model, contentSha256: contentOf('one') },
    options: { ...options, exports: [] },
    partitions: [{ first: 0, count: 1, files: [verified(partition)], crc32: null }],
    exports: [],
  };
  commit(run, sampleManifest({ ...made, ...changes }));
  run.close();
  return directory;
}

/** The stages and numbers of the units that are said to be done. */
const unitsOf = (records: readonly DoneRecord[]) => records.map(({ stage, unit }) => `${stage} ${unit}`);

/** What is in a file; null for a folder. */
const contentsOf = (file: string) => (statSync(file).isFile() ? readFileSync(file, 'latin1') : null);

const list = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .sort();

test('a new directory is made, planned, committed and let go', async (t) => {
  const directory = join(scratchDirectory(t), 'a', 'run');
  for (const flags of [neither, resume, overwrite]) {
    const path = join(directory, JSON.stringify(flags.resume) + JSON.stringify(flags.overwrite));
    const run = await RunDirectory.open(path, flags);
    const wanted = wantedRun();
    t.is(run.path, path);
    t.false(run.isBegun);
    t.is(run.finished(wanted), null);
    const { plan, records } = run.begin(wanted, [partition]);
    t.like(plan, wanted.plan);
    t.deepEqual(records, []);
    t.true(run.isBegun);
    const basis = doneRecord(plan, { stage: 'basis', files: [record('eigenbasis.safetensors')] });
    publishRecord(run.store, basis);
    t.deepEqual(list(path), [
      '.eigenshard.lock',
      '.eigenshard.run',
      'done',
      'done/basis',
      'done/basis/00000.json',
      'plan.json',
      'projections',
      'projections/parquet',
    ]);
    const manifest = commit(run, sampleManifest());
    run.close();
    t.deepEqual(list(path), [
      '.eigenshard.run',
      'manifest.json',
      'projections',
      'projections/parquet',
      'records.jsonl',
    ]);
    const bytes = readFileSync(join(path, 'records.jsonl'));
    t.deepEqual(manifest.execution.records, {
      path: 'records.jsonl',
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    t.deepEqual(readManifest(path).execution.records, manifest.execution.records);
    t.deepEqual(readRecordsFile(path), { plan, records: [basis] });
  }
});

test('an unfinished run is refused, named and let go, when nobody says what to do', async (t) => {
  const directory = await unfinishedRun(t);
  const before = list(directory);
  for (let attempt = 0; attempt < 2; attempt++) {
    const error = await t.throwsAsync(RunDirectory.open(directory, neither), { instanceOf: InputError });
    t.regex(
      error.message,
      /: holds an unfinished run, .*`eigenshard run --resume` continues it, .*--overwrite starts again$/,
    );
    t.true(error.message.startsWith(directory));
  }
  t.deepEqual(list(directory), before);
});

test('an unfinished run is resumed: what it did comes back, under the time of its first start', async (t) => {
  const done: Done[] = [
    { stage: 'basis', files: [record('eigenbasis.safetensors')] },
    { stage: 'project', files: [written(partition)] },
  ];
  const directory = await unfinishedRun(t, { done });
  put(directory, partition, 'eigenbasis.safetensors');
  const again = wantedRun({ started: '2025-12-31T00:00:00.000Z' });

  const run = await RunDirectory.open(directory, resume);
  t.true(run.isBegun);
  t.is(run.finished(again), null);
  // Its own files are in the way of nothing.
  const { plan, records } = run.begin(again, [partition, 'eigenbasis.safetensors']);
  t.is(plan.started, wantedRun().plan.started);
  t.deepEqual(records, [identityRecord(plan), ...done.map((unit) => doneRecord(plan, unit))]);
  publishRecord(run.store, doneRecord(plan, { stage: 'project', unit: 1 }));
  run.close();
  const later = await RunDirectory.open(directory, resume);
  const found = later.begin(again, []).records;
  t.deepEqual(unitsOf(found), ['identity 0', 'basis 0', 'project 0', 'project 1']);
  withdrawUnit(later, found[2]!);
  later.close();
  const last = await RunDirectory.open(directory, resume);
  t.deepEqual(unitsOf(last.begin(again, []).records), ['identity 0', 'basis 0', 'project 1']);
  last.close();
  t.is(readFileSync(join(directory, partition), 'utf8'), partition);
});

test('what was verified is verified again when a run goes on', async (t) => {
  const directory = await unfinishedRun(t, { done: [{ stage: 'project' }, { stage: 'verify' }] });
  put(directory, 'parts/verify/00000.bin', 'parts/basis/00000.bin');
  const run = await RunDirectory.open(directory, resume);
  t.deepEqual(unitsOf(run.begin(wantedRun(), []).records), ['identity 0', 'project 0']);
  run.close();
  t.false(existsSync(join(directory, 'done/verify')));
  t.false(existsSync(join(directory, 'parts/verify')));
  t.true(existsSync(join(directory, 'parts/basis/00000.bin')));
});

test('a run that was killed before its scan was done is told by its options alone, and scanned again', async (t) => {
  const directory = join(scratchDirectory(t), 'run');
  const first = await RunDirectory.open(directory, neither);
  const { plan } = first.begin(wantedRun(), []);
  publishRecord(first.store, doneRecord(plan, { stage: 'scan' }));
  first.close();
  const run = await RunDirectory.open(directory, resume);
  const identity = { ...wantedRun().plan.identity, partitionRows: 10 };
  t.throws(() => run.begin(wantedRun({ identity }, 'two'), []), {
    instanceOf: InputError,
    message:
      /holds another run \(fingerprint not known yet, this one is two\).*--partition-rows 1000 -> 10 \(/,
  });
  for (const fingerprint of ['one', 'two'])
    t.deepEqual(unitsOf(run.begin(wantedRun({}, fingerprint), []).records), []);
  run.close();
});

test('another run is not resumed, and stays as it is', async (t) => {
  const directory = await unfinishedRun(t, { changes: { exports: [npyExport('/elsewhere/a.npy')] } });
  const before = list(directory).map((name) => [name, contentsOf(join(directory, name))]);
  const run = await RunDirectory.open(directory, resume);
  t.throws(() => run.begin(wantedRun({}, 'two'), []), {
    instanceOf: InputError,
    message: /holds another run \(fingerprint one, this one is two\).*differ: weights SHA-256 .*--overwrite/,
  });
  t.throws(() => run.begin(wantedRun({ exports: [npyExport('/elsewhere/b.npy')] }), []), {
    instanceOf: InputError,
    message: /writes its exports to \/elsewhere\/a\.npy, not to \/elsewhere\/b\.npy/,
  });
  const identity = { ...wantedRun().identity, exports: ['npy'] };
  t.throws(() => run.begin({ ...wantedRun(), identity }, []), {
    instanceOf: InputError,
    message: /is to be completed, and has other tables or exports: .*differ: --export none -> npy \(/,
  });
  run.close();
  t.deepEqual(
    list(directory).map((name) => [name, contentsOf(join(directory, name))]),
    before,
  );
});

test('an unfinished run that other kernels computed is refused with the option that asks for them again', async (t) => {
  const openblas = {
    backend: 'system',
    library: 'libopenblas.so.0',
    version: 'OpenBLAS 0.3',
    float32: 'a library 1.0',
  } as const;
  const device = { ...sampleKernels, backend: 'webgpu', float32: 'WebGPU on one card' } as const;
  for (const [found, wanted, message] of [
    [
      sampleKernels,
      openblas,
      /by other kernels \(portable, a library 1\.0\) .*Give --backend portable, or start again/,
    ],
    [
      openblas,
      sampleKernels,
      /\(system, libopenblas\.so\.0 OpenBLAS 0\.3; float32 by .*Give --backend system --blas libopenblas\.so\.0 \(if you trust that library\), or/,
    ],
    [openblas, { ...openblas, version: 'OpenBLAS 0.4' }, /last bits differ\. Start again with --overwrite/],
    [
      device,
      sampleKernels,
      /webgpu, .*; float32 by WebGPU on one card\) .*Give --backend webgpu, or start again/,
    ],
    [
      device,
      { ...device, float32: 'WebGPU on another card' },
      /WebGPU on one card\) than this one \(.*WebGPU on another card\), .*differ\. Start again with --overwrite/,
    ],
  ] as const) {
    const directory = await unfinishedRun(t, { changes: { kernels: found } });
    const run = await RunDirectory.open(directory, resume);
    t.deepEqual(run.unfinishedBackend(), found);
    t.throws(() => run.begin(wantedRun({ kernels: wanted }), []), { instanceOf: InputError, message });
    t.deepEqual(unitsOf(run.begin(wantedRun({ kernels: found }), []).records), ['identity 0']);
    run.close();
    const replaced = await RunDirectory.open(directory, overwrite);
    t.is(replaced.unfinishedBackend(), null);
    t.deepEqual(replaced.begin(wantedRun({ kernels: wanted }), []).plan.kernels, wanted);
    replaced.close();
  }
});

test('an unfinished run that another processor computed is refused, and told where to go on', async (t) => {
  const elsewhere = { processor: 'x64, another one', host: 'elsewhere' };
  for (const stage of ['identity', 'basis', 'project'] as const) {
    const directory = await unfinishedRun(t);
    const first = await RunDirectory.open(directory, resume);
    const { plan } = first.begin(wantedRun(), []);
    withdrawUnit(first, { stage, unit: 0 });
    publishRecord(first.store, { ...identityRecord(plan), ...elsewhere, stage });
    first.close();
    const run = await RunDirectory.open(directory, resume);
    t.throws(() => run.begin(wantedRun(), []), {
      instanceOf: InputError,
      message:
        /begun on elsewhere, on another processor \(x64, another one\) than this one \(.*\), whose last bits differ\. .* --overwrite$/,
    });
    run.close();
  }
  // What a scan tells has no last bits that differ, and what was verified is verified anew.
  const done = (['scan', 'verify'] as const).map((stage) => ({ stage, ...elsewhere }));
  const directory = await unfinishedRun(t, { done });
  const run = await RunDirectory.open(directory, resume);
  t.deepEqual(unitsOf(run.begin(wantedRun(), []).records), ['scan 0', 'identity 0']);
  run.close();
});

test('an unfinished run is overwritten: what its records name is gone, and a new plan begins', async (t) => {
  const done: Done[] = [
    { stage: 'basis', files: [record('eigenbasis.safetensors'), record('metric.safetensors')] },
    { stage: 'project', files: [written(partition), written('projections/arrow/part-00000.arrow')] },
  ];
  const directory = await unfinishedRun(t, { done });
  put(
    directory,
    'metric.safetensors',
    'eigenbasis.safetensors',
    partition,
    'projections/arrow/part-00000.arrow',
    'parts/basis/00000.bin',
    'failed/project/00001.1.json',
  );
  const run = await RunDirectory.open(directory, overwrite);
  const { plan, records } = run.begin(wantedRun({ started: '2025-01-01T00:00:00.000Z' }, 'two'), [partition]);
  t.is(plan.started, '2025-01-01T00:00:00.000Z');
  t.deepEqual(records, []);
  t.deepEqual(list(directory), [
    ...['.eigenshard.lock', '.eigenshard.run', 'plan.json', 'projections', 'projections/parquet'],
  ]);
  t.notThrows(() => publishRecord(run.store, identityRecord(plan, 'two')));
  run.close();
});

test('records that a killed --overwrite left without their plan are in the way of nothing', async (t) => {
  for (const flags of [neither, resume, overwrite]) {
    const directory = await unfinishedRun(t, { done: [{ stage: 'project' }] });
    rmSync(join(directory, 'plan.json'));
    const run = await RunDirectory.open(directory, flags);
    const { plan, records } = run.begin(wantedRun({ started: '2025-01-01T00:00:00.000Z' }), []);
    t.deepEqual(records, []);
    t.notThrows(() => publishRecord(run.store, identityRecord(plan)));
    run.close();
  }
});

test('a finished run is refused when nobody says what to do', async (t) => {
  const directory = await finishedRun(t);
  const error = await t.throwsAsync(RunDirectory.open(directory, neither), { instanceOf: InputError });
  t.regex(
    error.message,
    /already holds a finished run\. --resume makes again what .*, --overwrite replaces it; or choose another --out/,
  );
  t.false(existsSync(join(directory, '.eigenshard.lock')));
});

test('a finished run, resumed, is given back if it is the same, and refused if it is another', async (t) => {
  const directory = await finishedRun(t);
  const run = await RunDirectory.open(directory, resume);
  t.is(run.finished(wantedRun())?.fingerprint, 'one');
  t.throws(() => run.finished(wantedRun({}, 'two')), {
    instanceOf: InputError,
    message: /holds another run/,
  });
  run.close();
  t.true(existsSync(join(directory, partition)));
});

test('a finished run is overwritten: what its manifest names is gone', async (t) => {
  const directory = await finishedRun(t);
  const run = await RunDirectory.open(directory, overwrite);
  t.is(run.finished(wantedRun()), null);
  t.true(existsSync(join(directory, partition)), 'only begin removes');
  run.begin(wantedRun(), [partition, 'eigenbasis.safetensors', 'metric.safetensors']);
  t.deepEqual(list(directory), [
    ...['.eigenshard.lock', '.eigenshard.run', 'plan.json', 'projections', 'projections/parquet'],
  ]);
  run.close();
});

test('overwriting leaves every file in the directory that no run names', async (t) => {
  const strangers = ['notes.txt', 'projections/other.parquet', '.projections.npy.unfinished', 'sub/a.npy'];
  for (const directory of [await finishedRun(t), await unfinishedRun(t)]) {
    put(directory, ...strangers);
    const run = await RunDirectory.open(directory, overwrite);
    run.begin(wantedRun(), [partition]);
    run.close();
    for (const name of strangers) t.is(readFileSync(join(directory, name), 'utf8'), name);
  }
});

test('overwriting leaves files outside the directory, whatever a manifest or a record names', async (t) => {
  const outside = scratchDirectory(t);
  const exported = (path: string) => ({
    kind: 'npy' as const,
    holds: 'projections' as const,
    path,
    bytes: 4,
    sha256: null,
    byteOffset: 128,
  });
  const victims = [join(outside, 'a.npy'), '../b', '../run2/c', '../d', 'projections/../../e'];
  const finished = await finishedRun(t, {
    eigenbasis: record(victims[1]!),
    model,
    partitions: [{ first: 0, count: 1, files: [verified(victims[2]!), verified(victims[3]!)], crc32: null }],
    exports: [exported(victims[0]!), exported(victims[4]!)],
  });
  const unfinished = await unfinishedRun(t, {
    changes: { exports: [npyExport(victims[0]!), npyExport(victims[4]!)] },
    done: [
      { stage: 'basis', files: [record(victims[1]!)] },
      { stage: 'project', files: [written(victims[2]!), written(victims[3]!)] },
    ],
  });
  for (const directory of [finished, unfinished]) {
    const files = put(directory, ...victims);
    const run = await RunDirectory.open(directory, overwrite);
    run.begin(wantedRun(), []);
    run.close();
    t.true(files.every((file) => existsSync(file)));
  }
});

test("overwriting removes a former run's export outside the directory when this run writes it again", async (t) => {
  const outside = join(scratchDirectory(t), 'a.npy');
  const directory = await finishedRun(t, {
    exports: [{ kind: 'npy', holds: 'projections', path: outside, bytes: 4, sha256: null, byteOffset: 128 }],
  });
  put('/', outside);
  const run = await RunDirectory.open(directory, overwrite);
  run.begin(wantedRun({ exports: [npyExport(outside)] }), [outside]);
  run.close();
  t.false(existsSync(outside));
});

test('overwriting removes the unfinished exports that a killed run left in the directory', async (t) => {
  const scratch = scratchDirectory(t);
  const directory = await unfinishedRun(t, {
    changes: { exports: [npyExport(join(scratch, 'outside.npy'))] },
  });
  const inside = await unfinishedRun(t);
  const named = await RunDirectory.open(inside, overwrite);
  named.begin(wantedRun({ exports: [npyExport(join(inside, 'projections.npy'))] }), []);
  named.close();
  put(inside, '.projections.npy.unfinished', '.other.npy.unfinished');
  put(scratch, '.outside.npy.unfinished');
  for (const path of [directory, inside]) {
    const run = await RunDirectory.open(path, overwrite);
    run.begin(wantedRun(), []);
    run.close();
  }
  t.false(existsSync(join(inside, '.projections.npy.unfinished')));
  t.true(existsSync(join(inside, '.other.npy.unfinished')));
  t.true(existsSync(join(scratch, '.outside.npy.unfinished')));
});

test('a file that no run wrote is never in the way silently: a new run refuses it by name', async (t) => {
  const outside = join(scratchDirectory(t), 'a.npy');
  put('/', outside);
  for (const flags of [neither, resume, overwrite]) {
    for (const target of [partition, outside]) {
      const directory = join(scratchDirectory(t), 'run');
      put(directory, partition);
      const run = await RunDirectory.open(directory, flags);
      const error = t.throws(() => run.begin(wantedRun(), [target]), { instanceOf: InputError });
      t.true(error.message.startsWith(`${resolve(directory, target)}: exists, and no eigenshard run in `));
      run.close();
      t.true(existsSync(resolve(directory, target)));
      t.deepEqual(list(directory), ['projections', 'projections/parquet', partition]);
    }
  }
});

test('two files of one run at one path are refused, before anything is removed', async (t) => {
  const twice = [
    ['a.npy', 'a.npy'],
    ['a.npy', './sub/../a.npy'],
    [partition, 'manifest.json'],
    ['plan.json', partition],
    ['records.jsonl', partition],
  ];
  for (const targets of twice) {
    const directory = await finishedRun(t);
    const before = list(directory);
    const run = await RunDirectory.open(directory, overwrite);
    t.throws(() => run.begin(wantedRun(), targets), {
      instanceOf: InputError,
      message: /: this run would write two of its files there\. Give each export its own path$/,
    });
    run.close();
    t.deepEqual(list(directory), before);
  }
});

test('partial files are swept when a run begins and when it is let go; other hidden files stay', async (t) => {
  const partial = [
    '.a.0123456789abcdef.partial',
    'projections/.b.fedcba9876543210.partial',
    'done/identity/.00000.json.0123456789abcdef.partial',
    'parts/scan/.00000.bin.0123456789abcdef.partial',
  ];
  const directory = await unfinishedRun(t);
  const unfinished = [
    'done',
    'done/identity',
    'done/identity/00000.json',
    'parts',
    'parts/scan',
    'plan.json',
  ];
  put(directory, ...partial, '.gitignore');
  const run = await RunDirectory.open(directory, resume);
  run.begin(wantedRun(), []);
  t.false(partial.some((name) => existsSync(join(directory, name))));
  put(directory, ...partial);
  run.close();
  t.deepEqual(list(directory), ['.eigenshard.run', '.gitignore', ...unfinished, 'projections']);
});

test('a plan that is torn, damaged or of another version is refused with what to do, and --overwrite replaces it', async (t) => {
  const damages: ((line: string) => string)[] = [
    () => '',
    (line) => line.slice(0, line.length >> 1),
    (line) => line.replace('"ridge":0.000001', '"ridge":0.000002'),
    (line) => `${line}${line}`,
    (line) => line.replace('eigenshard-plan', 'another-plan'),
  ];
  for (const damage of damages) {
    const directory = await unfinishedRun(t, { done: [{ stage: 'project' }] });
    const file = join(directory, 'plan.json');
    const damaged = damage(readFileSync(file, 'utf8'));
    writeFileSync(file, damaged);
    const refused = {
      instanceOf: InputError,
      message: `${file}: is no plan as this version writes it; it is damaged, or of another version. Start again with --overwrite, or choose another --out`,
    };
    await t.throwsAsync(RunDirectory.open(directory, neither), refused);
    const run = await RunDirectory.open(directory, resume);
    t.throws(() => run.unfinishedBackend(), refused);
    t.throws(() => run.begin(wantedRun(), []), refused);
    run.close();
    t.is(readFileSync(file, 'utf8'), damaged);
    const anew = await RunDirectory.open(directory, overwrite);
    t.deepEqual(anew.begin(wantedRun(), []).records, []);
    anew.close();
  }
});

test('a record that is damaged, torn or of another plan is as none', async (t) => {
  const done: Done[] = [{ stage: 'basis' }, { stage: 'project' }, { stage: 'project', unit: 1 }];
  const directory = await unfinishedRun(t, { done });
  const fileOf = (unit: Pick<DoneRecord, 'stage' | 'unit'>) => join(directory, recordName(unit));
  writeFileSync(fileOf({ stage: 'project', unit: 0 }), '{"stage":"project","unit"');
  writeFileSync(
    fileOf({ stage: 'basis', unit: 0 }),
    readFileSync(fileOf({ stage: 'basis', unit: 0 }), 'utf8').replace('a-machine', 'b-machine'),
  );
  const run = await RunDirectory.open(directory, resume);
  const { plan, records } = run.begin(wantedRun(), []);
  t.deepEqual(unitsOf(records), ['identity 0', 'project 1']);
  for (const unit of [done[0]!, done[1]!]) {
    const again = doneRecord(plan, { ...unit, host: 'again' });
    t.is(publishRecord(run.store, again), again);
  }
  run.close();
  const later = await RunDirectory.open(directory, resume);
  t.deepEqual(unitsOf(later.begin(wantedRun(), []).records), [
    ...['identity 0', 'basis 0', 'project 0', 'project 1'],
  ]);
  later.close();
});

test('a kill between manifest and the removal of what an unfinished run has leaves a finished one', async (t) => {
  for (const removed of [[], ['plan.json'], ['plan.json', 'done/identity', 'parts']]) {
    const directory = await finishedRun(t);
    const whole = list(directory);
    const [plan = ''] = readFileSync(join(directory, 'records.jsonl'), 'utf8').split('\n');
    put(directory, 'plan.json', 'done/identity/00000.json', 'done/scan/00000.json', 'parts/scan/00000.bin');
    put(directory, 'failed/scan/00000.1.json', 'done/notes.txt');
    writeFileSync(join(directory, 'plan.json'), `${plan}\n`);
    for (const name of removed) rmSync(join(directory, name), { recursive: true });
    await t.throwsAsync(RunDirectory.open(directory, neither), { message: /holds a finished run/ });
    const run = await RunDirectory.open(directory, resume);
    t.is(run.finished(wantedRun())?.fingerprint, 'one');
    run.close();
    t.deepEqual(list(directory), [...whole, 'done', 'done/notes.txt'].sort());
  }
});

test('a finished run that is to be mended goes on from what its manifest names', async (t) => {
  const directory = await finishedRun(t);
  const manifest = readManifest(directory);
  const run = await RunDirectory.open(directory, resume);
  run.reopen(manifest, wantedRun({ started: '2025-01-01T00:00:00.000Z' }));
  t.false(existsSync(join(directory, 'manifest.json')));
  const { plan, records } = run.begin(wantedRun(), [partition]);
  t.is(plan.started, manifest.execution.started);
  t.deepEqual(unitsOf(records), ['basis 0', 'project 0']);
  t.deepEqual(
    records.map(({ files }) => files),
    [
      [manifest.eigenbasis, manifest.metric.file!].map(({ path, bytes, sha256 }) => ({
        path,
        bytes,
        sha256,
      })),
      [written(partition)],
    ],
  );
  run.close();
  // What a kill leaves then is an unfinished run.
  await t.throwsAsync(RunDirectory.open(directory, neither), { message: /holds an unfinished run/ });
});

test('records without their manifest are an unfinished run, which goes on from what is kept of them', async (t) => {
  const directory = await unfinishedRun(t, {
    done: [{ stage: 'scan' }, { stage: 'basis' }, { stage: 'project', files: [written(partition)] }],
  });
  const run = await RunDirectory.open(directory, resume);
  run.begin(wantedRun(), []);
  commit(run, sampleManifest({ fingerprint: 'one' }));
  run.close();
  rmSync(join(directory, 'manifest.json'));
  await t.throwsAsync(RunDirectory.open(directory, neither), { message: /holds an unfinished run/ });
  const again = await RunDirectory.open(directory, resume);
  const { plan, records } = again.begin(wantedRun({ started: '2025-01-01T00:00:00.000Z' }), [partition]);
  t.is(plan.started, wantedRun().plan.started);
  t.deepEqual(unitsOf(records), ['scan 0', 'identity 0', 'basis 0', 'project 0']);
  again.close();
  t.true(existsSync(join(directory, 'plan.json')));
  t.true(existsSync(join(directory, 'done/project/00000.json')));
});

test('a plan, records and a manifest of others are left alone, also by --overwrite', async (t) => {
  for (const name of ['plan.json', 'records.jsonl', 'manifest.json']) {
    const directory = join(scratchDirectory(t), 'run');
    put(directory, name);
    writeFileSync(join(directory, name), '{"not": "ours"}\n');
    const run = await RunDirectory.open(directory, overwrite);
    const error = t.throws(() => run.begin(wantedRun(), []), { instanceOf: InputError });
    t.true(error.message.startsWith(join(directory, name)));
    run.close();
    t.is(readFileSync(join(directory, name), 'utf8'), '{"not": "ours"}\n');
  }
});

test('records of others, in a folder without our mark, are refused by name', async (t) => {
  for (const name of ['done/scan/00000.json', 'parts/basis/00000.bin']) {
    for (const flags of [neither, resume, overwrite]) {
      const directory = join(scratchDirectory(t), 'run');
      put(directory, name);
      const run = await RunDirectory.open(directory, flags);
      const error = t.throws(() => run.begin(wantedRun(), []), { instanceOf: InputError });
      t.true(
        error.message.startsWith(`${join(directory, dirname(name))}: exists, and no eigenshard run in `),
      );
      run.close();
      t.is(readFileSync(join(directory, name), 'utf8'), name);
    }
  }
});

test('a path that is no directory is a wrong argument', async (t) => {
  const file = join(scratchDirectory(t), 'plain');
  writeFileSync(file, '');
  for (const directory of [file, join(file, 'run')]) {
    const error = await t.throwsAsync(RunDirectory.open(directory, neither), { instanceOf: InputError });
    t.true(error.message.startsWith(`${directory}: cannot write: `), error.message);
  }
});
