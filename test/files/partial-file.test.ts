import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InputError, RunError } from '../../src/errors.js';
import {
  createPartialFile,
  sweepPartialFiles,
  writeFileAside,
  writeFileAtomically,
  writeFully,
} from '../../src/files/partial-file.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { testUnless } from '../helpers/test-unless.js';

const bytes = (text: string) => Buffer.from(text);

test('a file appears whole, under its name, and nothing else is left', (t) => {
  const directory = scratchDirectory(t);
  const final = join(directory, 'part-00000.parquet');
  const file = createPartialFile(final);
  file.write(bytes('one '));
  file.write(bytes('two'));
  t.deepEqual(readdirSync(directory), [file.path.slice(directory.length + 1)]);
  t.regex(file.path, /\/\.part-00000\.parquet\.[0-9a-f]{16}\.partial$/);
  file.commit();
  t.deepEqual(readdirSync(directory), ['part-00000.parquet']);
  t.is(readFileSync(final, 'utf8'), 'one two');
  file.discard();
  t.true(existsSync(final));
});

test('several writers each fill their part of a file of known size', (t) => {
  const final = join(scratchDirectory(t), 'projections.npy');
  const file = createPartialFile(final, { bytes: 12 });
  const other = openSync(file.path, 'r+');
  writeFully(other, bytes('tail'), 8, file.path);
  closeSync(other);
  file.write(bytes('head'), 0);
  file.commit();
  t.is(readFileSync(final, 'latin1'), 'head\0\0\0\0tail');
});

test('a discarded file leaves nothing, and does not touch the former one', (t) => {
  const directory = scratchDirectory(t);
  const final = join(directory, 'a');
  writeFileSync(final, 'former');
  const file = createPartialFile(final);
  file.write(bytes('new'));
  file.discard();
  file.discard();
  t.deepEqual(readdirSync(directory), ['a']);
  t.is(readFileSync(final, 'utf8'), 'former');
});

test('of two writers of one file the last one stands', (t) => {
  const directory = scratchDirectory(t);
  const files = ['first', 'second'].map((text) => {
    const file = createPartialFile(join(directory, 'a'));
    file.write(bytes(text));
    return file;
  });
  for (const file of files) file.commit();
  t.deepEqual(readdirSync(directory), ['a']);
  t.is(readFileSync(join(directory, 'a'), 'utf8'), 'second');
});

test('chunks that fail half-way leave nothing', (t) => {
  const directory = scratchDirectory(t);
  function* chunks() {
    yield bytes('half');
    throw new Error('no more');
  }
  t.throws(() => writeFileAtomically(join(directory, 'a'), chunks()), { message: 'no more' });
  t.deepEqual(readdirSync(directory), []);
  writeFileAtomically(join(directory, 'a'), [bytes('who'), bytes(''), bytes('le')]);
  t.is(readFileSync(join(directory, 'a'), 'utf8'), 'whole');
});

test('a file that is written aside has all its bytes, in their order, when it is there', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'a');
  const large = randomBytes(3 * 2 ** 20);
  const written = writeFileAside(file, [bytes('who'), bytes(''), large, bytes('le')]);
  t.deepEqual(
    readdirSync(directory).filter((name) => name === 'a'),
    [],
    'not before it is whole',
  );
  await written;
  t.deepEqual(readdirSync(directory), ['a']);
  t.true(readFileSync(file).equals(Buffer.concat([bytes('who'), large, bytes('le')])));
});

test('what fails while a file is written aside leaves nothing and names the file', async (t) => {
  const directory = scratchDirectory(t);
  mkdirSync(join(directory, 'a'));
  await t.throwsAsync(writeFileAside(join(directory, 'a'), [bytes('whole')]), {
    message: new RegExp(`${join(directory, 'a')}: cannot write: `),
  });
  t.deepEqual(readdirSync(directory), ['a']);
  await t.throwsAsync(writeFileAside(join(directory, 'none', 'b'), [bytes('whole')]));
  t.deepEqual(readdirSync(directory), ['a']);
});

test('a commit that cannot be carried out leaves nothing and names the file', (t) => {
  const directory = scratchDirectory(t);
  const final = join(directory, 'taken');
  mkdirSync(final);
  const file = createPartialFile(final);
  const error = t.throws(() => file.commit(), { instanceOf: InputError });
  t.true(error.message.startsWith(`${final}: cannot write: it is a directory`));
  t.deepEqual(readdirSync(directory), ['taken']);
});

test('a directory that is missing, and one that is none, are wrong arguments', (t) => {
  const directory = scratchDirectory(t);
  writeFileSync(join(directory, 'plain'), '');
  for (const final of [join(directory, 'missing', 'a'), join(directory, 'plain', 'a')]) {
    const error = t.throws(() => createPartialFile(final), { instanceOf: InputError });
    t.true(error.message.startsWith(`${final}: cannot write: `));
  }
});

const fullDeviceTest = testUnless(
  existsSync('/dev/full') ? null : '/dev/full, which is always full, is absent',
);

fullDeviceTest('a full disk is named with what to do', (t) => {
  const full = openSync('/dev/full', 'w');
  const error = t.throws(() => writeFully(full, bytes('x'), null, 'runs/a'), { instanceOf: RunError });
  closeSync(full);
  t.regex(error.message, /^runs\/a: cannot write: disk full: free space, and run the same command again/);
});

test('after a kill only the partial file is there, and a sweep removes it', (t) => {
  const directory = scratchDirectory(t);
  const module = new URL('../../src/files/partial-file.js', import.meta.url).href;
  const script = `
    import { createPartialFile } from ${JSON.stringify(module)};
    createPartialFile(${JSON.stringify(join(directory, 'a'))}).write(Buffer.from('half'));
    process.kill(process.pid, 'SIGKILL');`;
  spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  const [left] = readdirSync(directory);
  t.regex(left!, /^\.a\.[0-9a-f]{16}\.partial$/);
  t.deepEqual(sweepPartialFiles(directory), [left]);
  t.deepEqual(readdirSync(directory), []);
});

test('a sweep removes partial files alone, and those of one name where it is given', (t) => {
  const directory = scratchDirectory(t);
  const partial = ['.a.0123456789abcdef.partial', '.b.c.0123456789abcdef.partial'];
  const others = [
    'a.partial',
    '.a.partial',
    '.a.0123.partial',
    'b.0123456789abcdef.partial',
    'manifest.json',
  ];
  for (const name of [...partial, ...others]) writeFileSync(join(directory, name), '');
  mkdirSync(join(directory, '.d.0123456789abcdef.partial'));
  t.deepEqual(sweepPartialFiles(directory, 'b.c'), ['.b.c.0123456789abcdef.partial']);
  t.deepEqual(sweepPartialFiles(directory), ['.a.0123456789abcdef.partial']);
  t.deepEqual(readdirSync(directory).sort(), [...others, '.d.0123456789abcdef.partial'].sort());
  t.deepEqual(sweepPartialFiles(join(directory, 'missing')), []);
});
