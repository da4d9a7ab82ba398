import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { readBytes, withFile, withFileSync } from '../../src/files/open-file.js';
import { readTextIfThere } from '../../src/files/read-text.js';
import { scratchDirectory, scratchFile } from '../helpers/fixtures.js';
import { testUnless } from '../helpers/test-unless.js';

test('exactly the bytes asked for are read', async (t) => {
  const file = scratchFile(t, 'a', 'abcdef');
  const bytes = await withFile(file, 'the letters', (opened) => readBytes(opened, 2, 3));
  t.is(Buffer.from(bytes).toString(), 'cde');
});

test('a read beyond the end names the bytes that are missing', async (t) => {
  const file = scratchFile(t, 'a', 'abcdef');
  await t.throwsAsync(
    withFile(file, 'the letters', (opened) => readBytes(opened, 4, 1e15)),
    { instanceOf: InputError, message: /expected bytes 4 to 1000000000000004, but the file ends at byte 6/ },
  );
});

test('a missing file, a directory and a file in the place of a directory are named', async (t) => {
  const directory = scratchDirectory(t);
  const read = (path: string) => withFile(path, 'the letters', async () => {});
  await t.throwsAsync(read(join(directory, 'none')), {
    instanceOf: InputError,
    message: /none: cannot read the letters: there is no such file .* check the path \(ENOENT\)/,
  });
  await t.throwsAsync(read(directory), { instanceOf: InputError, message: /found a directory/ });
  await t.throwsAsync(read(join(scratchFile(t, 'a', ''), 'b')), {
    instanceOf: InputError,
    message: /ENOTDIR/,
  });
});

test('a named pipe, a device and a directory are refused at once, whoever opens them', async (t) => {
  const directory = scratchDirectory(t);
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const [file, kind] of [
    [pipe, 'a named pipe'],
    ['/dev/zero', 'a device'],
    [directory, 'a directory'],
  ] as const) {
    const refused = {
      instanceOf: InputError,
      message: `${file}: expected a file with the letters, found ${kind}; give the path of the file itself`,
    };
    await t.throwsAsync(
      withFile(file, 'the letters', async () => {}),
      refused,
    );
    t.throws(() => withFileSync(file, 'the letters', () => {}), refused);
    t.throws(() => readTextIfThere(file, 'the letters'), refused);
  }
  t.is(readTextIfThere(join(directory, 'none'), 'the letters'), null);
  t.is(readTextIfThere(join(scratchFile(t, 'a', ''), 'b'), 'the letters'), null);
});

const userTest = testUnless(
  process.getuid?.() === 0 ? 'run by the superuser, who may read everything' : null,
);

userTest('a file without permission is named', async (t) => {
  const file = scratchFile(t, 'a', 'abc');
  chmodSync(file, 0);
  await t.throwsAsync(
    withFile(file, 'the letters', async () => {}),
    { instanceOf: InputError, message: /EACCES/ },
  );
});

test('errors of the work itself pass unchanged', async (t) => {
  const error = new Error('mine');
  const thrown = await t.throwsAsync(
    withFile(scratchFile(t, 'a', ''), 'nothing', async () => {
      throw error;
    }),
  );
  t.is(thrown, error);
});
