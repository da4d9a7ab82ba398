import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import type { JournalEntry, JournalHeader } from '../../src/output/journal.js';
import type { Manifest } from '../../src/output/manifest.js';
import { RunDirectory } from '../../src/output/run-directory.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { sampleManifest } from '../helpers/sample-manifest.js';

const neither = { resume: false, overwrite: false };
const resume = { resume: true, overwrite: false };
const overwrite = { resume: false, overwrite: true };

const partition = 'projections/parquet/part-00000.parquet';
const written = (path: string) => ({ path, bytes: 4, crc32: 5 });
const record = (path: string) => ({ path, bytes: 4, sha256: 'ab' });
/** Its one row of one projection is the four bytes of a file. */
const model = { ...sampleManifest().model, rows: 1, hidden: 1 };
const verified = (path: string) => ({ ...written(path), sha256: 'ab' });

const portable = {
  backend: 'portable',
  library: 'a library',
  version: '1.0',
  float32: 'a library 1.0',
} as const;

function headerOf(changes: Partial<JournalHeader> = {}): JournalHeader {
  return {
    step: 'run',
    fingerprint: 'one',
    started: '2024-01-01T00:00:00.000Z',
    exports: [],
    tables: [],
    kernels: portable,
    ...changes,
  };
}

/** Writes small files, named relative to `directory` or absolutely. @returns their absolute paths */
function put(directory: string, ...names: string[]): string[] {
  return names.map((name) => {
    const file = resolve(directory, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, name);
    return file;
  });
}

/** A directory with a run that was killed after these steps. */
async function unfinishedRun(
  t: ExecutionContext,
  { header = headerOf(), entries = [] as JournalEntry[] } = {},
): Promise<string> {
  const directory = join(scratchDirectory(t), 'run');
  const run = await RunDirectory.open(directory, neither);
  run.begin(header, []);
  for (const entry of entries) run.record(entry);
  run.close();
  return directory;
}

/** A directory with a finished run of one partition. */
async function finishedRun(t: ExecutionContext, changes: Partial<Manifest> = {}): Promise<string> {
  const directory = join(scratchDirectory(t), 'run');
  const run = await RunDirectory.open(directory, neither);
  run.begin(headerOf(), []);
  put(directory, partition, 'eigenbasis.safetensors', 'metric.safetensors');
  const partitions = [{ first: 0, count: 1, files: [verified(partition)], crc32: null }];
  run.commit(sampleManifest({ fingerprint: 'one', model, partitions, exports: [], ...changes }));
  run.close();
  return directory;
}

const list = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .sort();

test('a new directory is made, journalled, committed and let go', async (t) => {
  const directory = join(scratchDirectory(t), 'a', 'run');
  for (const flags of [neither, resume, overwrite]) {
    const path = join(directory, JSON.stringify(flags.resume) + JSON.stringify(flags.overwrite));
    const run = await RunDirectory.open(path, flags);
    t.is(run.path, path);
    t.is(run.finished({ fingerprint: 'one' }), null);
    t.deepEqual(run.begin(headerOf(), [partition]), { header: headerOf(), done: [] });
    run.record({ step: 'eigenbasis', file: record('eigenbasis.safetensors') });
    t.deepEqual(list(path), [
      '.eigenshard.lock',
      '.eigenshard.run',
      'journal.jsonl',
      'projections',
      'projections/parquet',
    ]);
    run.commit(sampleManifest());
    run.close();
    t.deepEqual(list(path), [
      '.eigenshard.run',
      'journal.jsonl',
      'manifest.json',
      'projections',
      'projections/parquet',
    ]);
  }
});

test('an unfinished run is refused, named and let go, when nobody says what to do', async (t) => {
  const directory = await unfinishedRun(t);
  const before = list(directory);
  for (let attempt = 0; attempt < 2; attempt++) {
    const error = await t.throwsAsync(RunDirectory.open(directory, neither), { instanceOf: InputError });
    t.regex(error.message, /: holds an unfinished run\. --resume continues it, --overwrite starts again$/);
    t.true(error.message.startsWith(directory));
  }
  t.deepEqual(list(directory), before);
});

test('an unfinished run is resumed: what it did comes back, under the time of its first start', async (t) => {
  const entries: JournalEntry[] = [
    { step: 'eigenbasis', file: record('eigenbasis.safetensors') },
    { step: 'partition', index: 0, files: [written(partition)], crc32: null },
  ];
  const directory = await unfinishedRun(t, { entries });
  put(directory, partition, 'eigenbasis.safetensors');
  const again = headerOf({ started: '2025-12-31T00:00:00.000Z' });
  const next: JournalEntry = { step: 'partition', index: 1, files: [], crc32: null };

  const run = await RunDirectory.open(directory, resume);
  t.is(run.finished({ fingerprint: 'one' }), null);
  // Its own files are in the way of nothing.
  t.deepEqual(run.begin(again, [partition, 'eigenbasis.safetensors']), { header: headerOf(), done: entries });
  run.record(next);
  run.close();
  const later = await RunDirectory.open(directory, resume);
  t.deepEqual(later.begin(again, []).done, [...entries, next]);
  later.close();
  t.is(readFileSync(join(directory, partition), 'utf8'), partition);
});

test('another run is not resumed, and stays as it is', async (t) => {
  const directory = await unfinishedRun(t, { header: headerOf({ exports: ['/elsewhere/a.npy'] }) });
  const before = readFileSync(join(directory, 'journal.jsonl'));
  const run = await RunDirectory.open(directory, resume);
  t.throws(() => run.begin(headerOf({ fingerprint: 'two' }), []), {
    instanceOf: InputError,
    message: /holds another run \(fingerprint one, this one is two\).*--overwrite/,
  });
  t.throws(() => run.begin(headerOf({ exports: ['/elsewhere/b.npy'] }), []), {
    instanceOf: InputError,
    message: /writes its exports to \/elsewhere\/a\.npy, not to \/elsewhere\/b\.npy/,
  });
  run.close();
  t.deepEqual(readFileSync(join(directory, 'journal.jsonl')), before);
});

test('an unfinished run that other kernels computed is refused with the option that asks for them again', async (t) => {
  const openblas = {
    backend: 'system',
    library: 'libopenblas.so.0',
    version: 'OpenBLAS 0.3',
    float32: 'a library 1.0',
  } as const;
  for (const [found, wanted, message] of [
    [
      portable,
      openblas,
      /by other kernels \(portable, a library 1\.0\) .*Give --backend portable, or start again/,
    ],
    [
      openblas,
      portable,
      /\(system, libopenblas\.so\.0 OpenBLAS 0\.3; float32 by .*Give --backend system --blas libopenblas\.so\.0 \(if you trust that library\), or/,
    ],
    [openblas, { ...openblas, version: 'OpenBLAS 0.4' }, /last bits differ\. Start again with --overwrite/],
  ] as const) {
    const directory = await unfinishedRun(t, { header: headerOf({ kernels: found }) });
    const run = await RunDirectory.open(directory, resume);
    t.deepEqual(run.unfinishedBackend(), found);
    t.throws(() => run.begin(headerOf({ kernels: wanted }), []), { instanceOf: InputError, message });
    t.deepEqual(run.begin(headerOf({ kernels: found }), []).done, []);
    run.close();
    const replaced = await RunDirectory.open(directory, overwrite);
    t.is(replaced.unfinishedBackend(), null);
    t.deepEqual(replaced.begin(headerOf({ kernels: wanted }), []).header.kernels, wanted);
    replaced.close();
  }
});

test('an unfinished run is overwritten: what its journal names is gone, and a new journal begins', async (t) => {
  const entries: JournalEntry[] = [
    { step: 'metric', file: record('metric.safetensors') },
    { step: 'eigenbasis', file: record('eigenbasis.safetensors') },
    {
      step: 'partition',
      index: 0,
      files: [written(partition), written('projections/arrow/part-00000.arrow')],
      crc32: null,
    },
  ];
  const directory = await unfinishedRun(t, { entries });
  put(
    directory,
    'metric.safetensors',
    'eigenbasis.safetensors',
    partition,
    'projections/arrow/part-00000.arrow',
  );
  const run = await RunDirectory.open(directory, overwrite);
  const header = headerOf({ fingerprint: 'two' });
  t.deepEqual(run.begin(header, [partition]), { header, done: [] });
  t.deepEqual(list(directory), [
    ...['.eigenshard.lock', '.eigenshard.run', 'journal.jsonl', 'projections', 'projections/parquet'],
  ]);
  run.close();
});

test('a finished run is refused when nobody says what to do', async (t) => {
  const directory = await finishedRun(t);
  const error = await t.throwsAsync(RunDirectory.open(directory, neither), { instanceOf: InputError });
  t.regex(error.message, /already holds a finished run\. Choose another --out, or --overwrite/);
  t.false(existsSync(join(directory, '.eigenshard.lock')));
});

test('a finished run, resumed, is given back if it is the same, and refused if it is another', async (t) => {
  const directory = await finishedRun(t);
  const run = await RunDirectory.open(directory, resume);
  t.is(run.finished({ fingerprint: 'one' })?.fingerprint, 'one');
  t.throws(() => run.finished({ fingerprint: 'two' }), {
    instanceOf: InputError,
    message: /holds another run/,
  });
  run.close();
  t.true(existsSync(join(directory, partition)));
});

test('a finished run is overwritten: what its manifest names is gone', async (t) => {
  const directory = await finishedRun(t);
  const run = await RunDirectory.open(directory, overwrite);
  t.is(run.finished({ fingerprint: 'one' }), null);
  t.true(existsSync(join(directory, partition)), 'only begin removes');
  run.begin(headerOf(), [partition, 'eigenbasis.safetensors', 'metric.safetensors']);
  t.deepEqual(list(directory), [
    ...['.eigenshard.lock', '.eigenshard.run', 'journal.jsonl', 'projections', 'projections/parquet'],
  ]);
  run.close();
});

test('overwriting leaves every file in the directory that no run names', async (t) => {
  const strangers = ['notes.txt', 'projections/other.parquet', '.projections.npy.unfinished', 'sub/a.npy'];
  for (const directory of [await finishedRun(t), await unfinishedRun(t)]) {
    put(directory, ...strangers);
    const run = await RunDirectory.open(directory, overwrite);
    run.begin(headerOf(), [partition]);
    run.close();
    for (const name of strangers) t.is(readFileSync(join(directory, name), 'utf8'), name);
  }
});

test('overwriting leaves files outside the directory, whatever a manifest or a journal names', async (t) => {
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
    header: headerOf({ exports: [victims[0]!, victims[4]!] }),
    entries: [
      { step: 'eigenbasis', file: record(victims[1]!) },
      { step: 'partition', index: 0, files: [written(victims[2]!), written(victims[3]!)], crc32: null },
    ],
  });
  for (const directory of [finished, unfinished]) {
    const files = put(directory, ...victims);
    const run = await RunDirectory.open(directory, overwrite);
    run.begin(headerOf(), []);
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
  run.begin(headerOf({ exports: [outside] }), [outside]);
  run.close();
  t.false(existsSync(outside));
});

test('overwriting removes the unfinished exports that a killed run left in the directory', async (t) => {
  const scratch = scratchDirectory(t);
  const directory = await unfinishedRun(t, { header: headerOf({ exports: [join(scratch, 'outside.npy')] }) });
  const inside = await unfinishedRun(t);
  const named = await RunDirectory.open(inside, overwrite);
  named.begin(headerOf({ exports: [join(inside, 'projections.npy')] }), []);
  named.close();
  put(inside, '.projections.npy.unfinished', '.other.npy.unfinished');
  put(scratch, '.outside.npy.unfinished');
  for (const path of [directory, inside]) {
    const run = await RunDirectory.open(path, overwrite);
    run.begin(headerOf(), []);
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
      const error = t.throws(() => run.begin(headerOf(), [target]), { instanceOf: InputError });
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
    ['journal.jsonl', partition],
  ];
  for (const targets of twice) {
    const directory = await finishedRun(t);
    const before = list(directory);
    const run = await RunDirectory.open(directory, overwrite);
    t.throws(() => run.begin(headerOf(), targets), {
      instanceOf: InputError,
      message: /: this run would write two of its files there\. Give each export its own path$/,
    });
    run.close();
    t.deepEqual(list(directory), before);
  }
});

test('partial files are swept when a run begins and when it is let go; other hidden files stay', async (t) => {
  const partial = ['.a.0123456789abcdef.partial', 'projections/.b.fedcba9876543210.partial'];
  const directory = await unfinishedRun(t);
  put(directory, ...partial, '.gitignore');
  const run = await RunDirectory.open(directory, resume);
  run.begin(headerOf(), []);
  t.false(partial.some((name) => existsSync(join(directory, name))));
  put(directory, ...partial);
  run.close();
  t.deepEqual(list(directory), ['.eigenshard.run', '.gitignore', 'journal.jsonl', 'projections']);
});

test('a journal that was killed before its first line is no run', async (t) => {
  for (const flags of [neither, resume, overwrite]) {
    const directory = join(scratchDirectory(t), 'run');
    put(directory, 'journal.jsonl');
    writeFileSync(join(directory, 'journal.jsonl'), '{"step":"run","finger');
    const run = await RunDirectory.open(directory, flags);
    t.deepEqual(run.begin(headerOf(), []).done, []);
    run.close();
    t.is(readFileSync(join(directory, 'journal.jsonl'), 'utf8'), `${JSON.stringify(headerOf())}\n`);
  }
});

test('a kill between manifest and journal leaves a finished run', async (t) => {
  const directory = await finishedRun(t);
  writeFileSync(join(directory, 'journal.jsonl'), `${JSON.stringify(headerOf())}\n`);
  const run = await RunDirectory.open(directory, resume);
  t.is(run.finished({ fingerprint: 'one' })?.fingerprint, 'one');
  run.close();
  await t.throwsAsync(RunDirectory.open(directory, neither), { message: /holds a finished run/ });
});

test('a journal and a manifest of others are left alone, also by --overwrite', async (t) => {
  for (const name of ['journal.jsonl', 'manifest.json']) {
    const directory = join(scratchDirectory(t), 'run');
    put(directory, name);
    writeFileSync(join(directory, name), '{"not": "ours"}\n');
    const run = await RunDirectory.open(directory, overwrite);
    const error = t.throws(() => run.begin(headerOf(), []), { instanceOf: InputError });
    t.true(error.message.startsWith(join(directory, name)));
    run.close();
    t.is(readFileSync(join(directory, name), 'utf8'), '{"not": "ours"}\n');
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
