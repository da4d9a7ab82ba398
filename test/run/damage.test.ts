import { createHash } from 'node:crypto';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { EigenshardError } from '../../src/errors.js';
import { ThreadExecutor } from '../../src/executor/threads.js';
import { planArrow } from '../../src/formats/arrow.js';
import { fileMetadata } from '../../src/output/file-metadata.js';
import { type Manifest, readManifest, writeManifest } from '../../src/output/manifest.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { withinOneDay } from '../helpers/one-day.js';
import { randomNumbers } from '../helpers/random.js';
import { dataFiles, runHere, shardedModel, verifyHere, verifyWith } from '../helpers/runs.js';
import { sameFiles } from '../helpers/same-files.js';

/** EIGENSHARD_DAMAGES=1000 for the long campaign. */
const DAMAGES = Number(process.env.EIGENSHARD_DAMAGES ?? 60);
const SEED = 20_261_127;

interface Sample {
  directory: string;
  model: string;
  options: Parameters<typeof runHere>[0];
  files: string[];
}

/** A small run with everything in it: both formats, tables, report and every export. */
async function sampleRun(t: ExecutionContext): Promise<Sample> {
  const model = shardedModel(t, 60, 8).directory;
  const directory = path.join(scratchDirectory(t), 'run');
  const options = {
    model,
    out: directory,
    partitionRows: 25,
    format: 'both' as const,
    export: ['pt', 'safetensors', 'npy'] as const,
    top: 3,
  };
  await runHere(options);
  return { directory, model, options, files: filesIn(directory) };
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** Does one of the things that happen to files; says what. */
function damageFile(file: string, random: () => number, others: readonly string[]): string {
  const bytes = readFileSync(file);
  const at = Math.floor(random() * bytes.length);
  const kind = Math.floor(random() * 7);
  switch (kind) {
    case 0:
    case 1: {
      bytes[at]! ^= 1 << Math.floor(random() * 8);
      writeFileSync(file, bytes);
      return `bit of byte ${at} flipped`;
    }
    case 2:
      truncateSync(file, at);
      return `cut to ${at} bytes`;
    case 3:
      appendFileSync(file, Buffer.of(Math.floor(random() * 256)));
      return 'a byte appended';
    case 4:
      rmSync(file);
      return 'removed';
    case 5: {
      bytes.fill(0, at);
      if (bytes.equals(readFileSync(file))) bytes[at]! ^= 255;
      writeFileSync(file, bytes);
      return `zeros from byte ${at}`;
    }
    default: {
      const other = others[Math.floor(random() * others.length)]!;
      const replacement = readFileSync(other);
      writeFileSync(file, replacement.equals(bytes) ? Buffer.alloc(0) : replacement);
      return `replaced by ${path.basename(other)}`;
    }
  }
}

test(`${DAMAGES} random damages of files of a run are noticed, and the file named`, async (t) => {
  const { directory, files } = await sampleRun(t);
  const whole = await verifyHere(directory);
  t.true(whole.verification.passed, whole.problems);
  const random = randomNumbers(SEED).uniform;
  const executor = new ThreadExecutor({ workers: 2 });
  t.teardown(() => executor.close());
  const missed: string[] = [];
  for (let k = 0; k < DAMAGES; k++) {
    const name = files[k % files.length]!;
    const file = path.join(directory, name);
    const others = files.filter((other) => other !== name).map((other) => path.join(directory, other));
    const intact = readFileSync(file);
    const what = damageFile(file, random, others);
    // The time of one damage: what does not come to an end is named.
    t.timeout(5 * 60_000, `${name}, ${what}: the verification does not end`);
    let said: string;
    try {
      const { verification, problems } = await verifyWith(executor, directory);
      said = verification.passed ? '' : problems;
    } catch (error) {
      if (!(error instanceof EigenshardError)) throw error;
      said = error.message;
    }
    if (!said.includes(path.basename(name))) missed.push(`${name}, ${what}: ${said || 'passed'}`);
    writeFileSync(file, intact);
  }
  t.deepEqual(missed, []);
  t.true((await verifyWith(executor, directory)).verification.passed);
});

test('an Arrow partition that is not as planned is named though the manifest records its bytes, and no byte of it is believed', async (t) => {
  const { directory } = await sampleRun(t);
  const name = 'projections/arrow/part-00002.arrow';
  const file = path.join(directory, name);
  const intact = readFileSync(file);
  const manifest = readManifest(directory);
  const record = manifest.partitions[2]!.files.find((one) => one.path === name)!;
  const executor = new ThreadExecutor({ workers: 2 });
  t.teardown(() => executor.close());
  const { head, tail } = await planArrow({
    ...{ firstRow: 50, rowCount: 10, columns: 8 },
    metadata: fileMetadata(manifest.fingerprint, manifest.layout, manifest.model.name),
  });
  const ends = intact.length - tail.length;
  const places = [...Array(head.length).keys(), ...Array.from(tail, (_, k) => ends + k)];
  for (const at of places.filter((place) => place % 7 === 1)) {
    const bytes = Buffer.from(intact);
    bytes[at]! ^= 1 << (at % 8);
    writeFileSync(file, bytes);
    Object.assign(record, {
      crc32: crc32(bytes),
      sha256: createHash('sha256').update(bytes).digest('hex'),
    });
    writeManifest(directory, manifest);
    const { problems } = await verifyWith(executor, directory);
    t.regex(problems, /part-00002.arrow: the (schema, or the column of token ids,|footer) is not as planned/);
  }
});

test('a file that does not belong among the partitions is named', async (t) => {
  const { directory } = await sampleRun(t);
  for (const stranger of [
    'projections/parquet/part-99999.parquet',
    'projections/x/y.parquet',
    'projections/note',
  ]) {
    const file = path.join(directory, stranger);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, 'x');
    const { verification, problems } = await verifyHere(directory);
    t.false(verification.passed);
    t.true(problems.includes(stranger.split('/').slice(0, 2).join('/')), problems);
    rmSync(file);
    if (stranger.includes('/x/')) rmSync(path.dirname(file), { recursive: true });
  }
  t.true((await verifyHere(directory)).verification.passed);
});

test('every figure of a manifest is measured again, and its seal covers the rest', async (t) => {
  const { directory } = await sampleRun(t);
  const file = path.join(directory, 'manifest.json');
  const text = readFileSync(file, 'utf8');
  for (const [from, to] of [
    ['"passed": true', '"passed": false'],
    ['"conditionNumber": ', '"conditionNumber": 1'],
    ['"top": 3', '"top": 4'],
    ['  ', ' '],
    ['"exports": [', '"exports": [ '],
  ] as const) {
    writeFileSync(file, text.replace(from, to));
    await t.throwsAsync(verifyHere(directory), { message: /manifest.json: (its seal|not valid)/ });
  }
  writeFileSync(file, text);
  t.true((await verifyHere(directory)).verification.passed);
});

test('a manifest whose values cannot be true together is refused before anything is made of them', async (t) => {
  const { directory } = await sampleRun(t);
  const manifest = readManifest(directory);
  const [part] = manifest.partitions;
  const [file] = part!.files;
  const huge = 2 ** 50;
  for (const [changes, problem] of [
    [{ partitions: [] }, /its partitions hold 0 of 60 rows/],
    [{ partitions: manifest.partitions.slice(1) }, /partition 0 begins at row 25, not 0/],
    [{ partitions: [part!, ...manifest.partitions] }, /partition 1 begins at row 0, not 25/],
    [{ partitions: [{ ...part!, files: [] }] }, /partition 0 has no file/],
    [{ partitions: [{ ...part!, count: huge }] }, /partition 0 has \d+ bytes for 1125899906842624 x 8/],
    [{ partitions: [{ ...part!, files: [{ ...file!, bytes: 0 }] }] }, /partition 0 has 0 bytes for 25 x 8/],
    [{ model: { ...manifest.model, rows: huge } }, /its partitions hold 60 of 1125899906842624 rows/],
    [{ model: { ...manifest.model, hidden: 100_000 } }, /partition 0 has \d+ bytes for 25 x 100000/],
  ] as const) {
    writeManifest(directory, { ...manifest, ...changes } as Manifest);
    await t.throwsAsync(verifyHere(directory), { instanceOf: EigenshardError, message: problem });
  }
  writeManifest(directory, manifest);
  t.true((await verifyHere(directory)).verification.passed);
});

test('what is missing or damaged of a finished run is made again, to the same bytes', async (t) => {
  const { directory, options, files } = await sampleRun(t);
  const expected = dataFiles(directory);
  const names = files.filter((name) => name !== 'records.jsonl');
  for (const [index, name] of names.entries()) {
    const file = path.join(directory, name);
    if (index % 2 === 0) rmSync(file);
    else {
      const bytes = readFileSync(file);
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(file, bytes);
    }
    const notes: string[] = [];
    const { manifest } = await runHere(options, { resume: true, notes });
    t.true(
      name === 'manifest.json' || notes.some((note) => note.includes(path.basename(name))),
      `${name}: ${notes.join('\n')}`,
    );
    t.true(manifest.verification.passed);
    sameFiles(t, dataFiles(directory), expected);
    const { verification, problems } = await verifyHere(directory);
    t.true(verification.passed, `${name}: ${problems}`);
  }
});

test('lost records are written again from the manifest, and with both lost the run is made anew', async (t) => {
  const [expected, resumed, anew] = await withinOneDay(async () => {
    const { directory, options } = await sampleRun(t);
    const first = dataFiles(directory);
    rmSync(path.join(directory, 'records.jsonl'));
    await runHere(options, { resume: true });
    t.true((await verifyHere(directory)).verification.passed);
    const second = dataFiles(directory);

    for (const name of ['records.jsonl', 'manifest.json']) rmSync(path.join(directory, name));
    await t.throwsAsync(runHere(options, { resume: true }), {
      message: /exists, and neither manifest nor records tell of the run .*--overwrite makes it anew/,
    });
    await runHere(options, { overwrite: true });
    return [first, second, dataFiles(directory)] as const;
  });
  sameFiles(t, resumed, expected);
  sameFiles(t, anew, expected);
});

test('a change that keeps size and modification time is noticed, and one that nobody could see when asked', async (t) => {
  const { directory, options } = await sampleRun(t);
  const expected = dataFiles(directory);
  const file = path.join(directory, 'projections/parquet/part-00001.parquet');
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
  utimesSync(file, new Date(0), new Date(0));
  const notes: string[] = [];
  await runHere(options, { resume: true, notes });
  t.regex(notes.join('\n'), /part-00001.parquet: not the recorded bytes: to be made again/);
  sameFiles(t, dataFiles(directory), expected);

  const again: string[] = [];
  const { finishedBefore } = await runHere(options, { resume: true, checksums: true, notes: again });
  t.true(finishedBefore);
  t.regex(again.join('\n'), /finished already; \d+ files of the recorded sizes, \d\d checksums compared/);
});

test('--overwrite replaces a run whose manifest is damaged, empty or of another layout', async (t) => {
  const [expected, ...replaced] = await withinOneDay(async () => {
    const { directory, options } = await sampleRun(t);
    const runs: [Map<string, Buffer>, ...Map<string, Buffer>[]] = [dataFiles(directory)];
    const file = path.join(directory, 'manifest.json');
    const text = readFileSync(file, 'utf8');
    for (const damaged of ['', '{', text.slice(0, 1000), text.replace('"layout": 2', '"layout": 9')]) {
      writeFileSync(file, damaged);
      await runHere(options, { overwrite: true });
      t.true(readManifest(directory).verification.passed);
      runs.push(dataFiles(directory));
    }
    return runs;
  });
  t.is(replaced.length, 4);
  for (const files of replaced) sameFiles(t, files, expected);
});

test('a damaged manifest is made again from the records', async (t) => {
  const { directory, options } = await sampleRun(t);
  const expected = dataFiles(directory);
  const file = path.join(directory, 'manifest.json');
  for (const damaged of ['{', `${readFileSync(file, 'utf8')} `]) {
    writeFileSync(file, damaged);
    const notes: string[] = [];
    await runHere(options, { resume: true, notes });
    t.regex(notes.join('\n'), /manifest.json: is not as the run wrote it, and is made again/);
    t.regex(notes.join('\n'), /3 of 3 partitions are done and intact/);
    sameFiles(t, dataFiles(directory), expected);
  }
});

test('a damaged manifest without records is told how the run is made anew, and is', async (t) => {
  const [expected, anew] = await withinOneDay(async () => {
    const { directory, options } = await sampleRun(t);
    const first = dataFiles(directory);
    truncateSync(path.join(directory, 'manifest.json'), 100);
    rmSync(path.join(directory, 'records.jsonl'));
    await t.throwsAsync(runHere(options, { resume: true }), {
      message:
        /manifest\.json: is not as the run wrote it, and there are no records .*--overwrite makes the run anew/,
    });
    await runHere(options, { overwrite: true });
    return [first, dataFiles(directory)] as const;
  });
  sameFiles(t, anew, expected);
});

test('--overwrite follows no symbolic link out of the directory, and removes no name that no run writes', async (t) => {
  const { directory, options } = await sampleRun(t);
  const elsewhere = scratchDirectory(t);
  writeFileSync(path.join(elsewhere, 'precious.txt'), 'precious');
  renameSync(path.join(directory, 'projections'), path.join(elsewhere, 'projections'));
  symlinkSync(path.join(elsewhere, 'projections'), path.join(directory, 'projections'));
  mkdirSync(path.join(directory, 'mine'));
  writeFileSync(path.join(directory, 'mine/precious.txt'), 'precious');
  const before = filesIn(elsewhere);
  const manifest = readManifest(directory);
  const [exported] = manifest.exports;
  manifest.exports.push(
    { ...exported!, path: 'mine/precious.txt' },
    { ...exported!, path: '../precious.txt' },
  );
  writeManifest(directory, manifest);
  await t.throwsAsync(runHere(options, { overwrite: true }), { message: /exists, and no eigenshard run/ });
  t.deepEqual(filesIn(elsewhere), before);
  t.is(readFileSync(path.join(directory, 'mine/precious.txt'), 'utf8'), 'precious');
});

for (const [what, place] of [
  ['a symbolic link', (from: string, to: string) => symlinkSync(to, from)],
  ['a second name', (from: string, to: string) => linkSync(to, from)],
] as const) {
  test(`what lies elsewhere, and ${what} in the directory leads to, is not written by any run`, async (t) => {
    const { directory, options, files } = await sampleRun(t);
    const expected = dataFiles(directory);
    const elsewhere = scratchDirectory(t);
    const names = files.filter((name) =>
      /records|eigenbasis|^projections\.|tokens|parquet.part-00000/.test(name),
    );
    for (const [index, name] of [...names, '.projections.npy.unfinished'].entries()) {
      const file = path.join(directory, name);
      const outside = path.join(elsewhere, path.basename(name));
      // Its own bytes, so that nothing but writing would change them, or other ones; and something else to mend.
      const isCopy = index % 2 === 0 && expected.has(name);
      const precious = isCopy || name === 'records.jsonl' ? readFileSync(file) : Buffer.from('precious');
      writeFileSync(outside, precious);
      rmSync(file, { force: true });
      place(file, outside);
      truncateSync(path.join(directory, 'projections/arrow/part-00002.arrow'), 10);
      await runHere(options, { resume: true, checksums: true });
      t.deepEqual(readFileSync(outside), precious, name);
      t.true((await verifyHere(directory)).verification.passed, name);
      // A link to the right bytes may stay.
      for (const lost of [file, outside]) rmSync(lost, { force: true });
      await runHere(options, { resume: true });
      sameFiles(t, dataFiles(directory), expected);
    }
  });
}

test('a folder of partitions that a link leads out of the directory is refused, and nothing there is swept', async (t) => {
  const { directory, options } = await sampleRun(t);
  for (const folder of ['projections', 'projections/parquet']) {
    const elsewhere = path.join(scratchDirectory(t), 'elsewhere');
    renameSync(path.join(directory, folder), elsewhere);
    symlinkSync(elsewhere, path.join(directory, folder));
    writeFileSync(path.join(elsewhere, '.part-00000.parquet.0123456789abcdef.partial'), 'mine');
    truncateSync(path.join(directory, 'projections/parquet/part-00001.parquet'), 10);
    const before = dataFiles(elsewhere);
    await t.throwsAsync(runHere(options, { resume: true }), {
      instanceOf: EigenshardError,
      message:
        /parquet: a symbolic link leads to .*elsewhere.*, and a run writes into its own directory alone/,
    });
    await t.throwsAsync(runHere(options, { resume: true }), { message: /a symbolic link leads to/ });
    sameFiles(t, dataFiles(elsewhere), before);
    rmSync(path.join(directory, folder));
    rmSync(path.join(elsewhere, '.part-00000.parquet.0123456789abcdef.partial'));
    renameSync(elsewhere, path.join(directory, folder));
    await runHere(options, { resume: true });
    t.true((await verifyHere(directory)).verification.passed);
  }
});

test('a run that was moved is verified, exports that lie in it included', async (t) => {
  const { directory, model } = await sampleRun(t);
  const moved = path.join(scratchDirectory(t), 'elsewhere');
  renameSync(directory, moved);
  t.true((await verifyHere(moved)).verification.passed);
  t.deepEqual(
    readManifest(moved).exports.map((file) => path.isAbsolute(file.path)),
    [false, false, false, false],
  );

  renameSync(model, `${model}-moved`);
  const without = await verifyHere(moved);
  t.true(without.verification.passed, without.problems);
  t.regex(without.unchecked.join('\n'), /what needs the checkpoint was not checked.*give --model/);
  const verdicts = Object.fromEntries(
    without.verification.checks.map(({ name, verdict }) => [name, verdict]),
  );
  t.like(verdicts, {
    orthonormality: 'passed',
    residual: 'passed',
    files: 'passed',
    'row norms': 'not applicable',
    probe: 'not applicable',
    'column means': 'passed',
    'column variances': 'passed',
    'mean causal norm': 'passed',
    manifest: 'passed',
  });
  const found = await verifyHere(moved, { model: `${model}-moved` });
  t.deepEqual(found.unchecked, []);
  t.true(found.verification.passed);
});

test('--overwrite with manifest and records lost leaves no partition of the former run', async (t) => {
  const { directory, options } = await sampleRun(t);
  for (const name of ['manifest.json', 'records.jsonl']) rmSync(path.join(directory, name));
  await runHere({ ...options, partitionRows: 60 }, { overwrite: true });
  const parts = filesIn(path.join(directory, 'projections'));
  t.deepEqual(parts, ['arrow/part-00000.arrow', 'parquet/part-00000.parquet']);
  t.true((await verifyHere(directory)).verification.passed);
});

test("a run is not begun among files that readers would take for its partitions, and removes none of another's", async (t) => {
  const { model, options } = await sampleRun(t);
  const out = path.join(scratchDirectory(t), 'run');
  const stranger = path.join(out, 'projections/parquet/part-00099.parquet');
  mkdirSync(path.dirname(stranger), { recursive: true });
  writeFileSync(stranger, 'mine');
  for (const overwrite of [false, true]) {
    await t.throwsAsync(runHere({ ...options, model, out }, { overwrite }), {
      message: /part-00099.parquet: is none of this run's partitions/,
    });
  }
  t.is(readFileSync(stranger, 'utf8'), 'mine');
});

test('any byte of the records or of a manifest may be damaged, and --resume makes it again', async (t) => {
  const { directory, options } = await sampleRun(t);
  const expected = dataFiles(directory);
  for (const name of ['records.jsonl', 'manifest.json']) {
    const file = path.join(directory, name);
    const whole = readFileSync(file);
    for (const word of [
      '"stage"',
      '"plan"',
      '"fingerprint"',
      '"layout"',
      '"exports"',
      '"duplicateGroups"',
      '"sha256"',
    ]) {
      const at = whole.indexOf(word);
      if (at < 0) continue;
      const bytes = readFileSync(file);
      bytes[bytes.indexOf(word) + 2]! ^= 1;
      writeFileSync(file, bytes);
      await runHere(options, { resume: true });
      t.true((await verifyHere(directory)).verification.passed, `${name}, ${word}`);
      sameFiles(t, dataFiles(directory), expected);
    }
  }
});
