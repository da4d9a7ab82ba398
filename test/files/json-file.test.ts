import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { readJsonObject } from '../../src/files/json-file.js';
import { scratchDirectory, scratchFile } from '../helpers/fixtures.js';

test('an object is read as Python reads it', async (t) => {
  const file = scratchFile(t, 'config.json', '{"hidden_size": 16, "limit": [0.0, Infinity]}');
  t.deepEqual(await readJsonObject(file, 'the configuration'), {
    hidden_size: 16,
    limit: [0, Number.POSITIVE_INFINITY],
  });
});

test('what is no object is refused with what it is', async (t) => {
  const refused = async (content: string, message: RegExp) => {
    const file = scratchFile(t, 'config.json', content);
    const error = await t.throwsAsync(readJsonObject(file, 'the configuration'), {
      instanceOf: InputError,
      message,
    });
    t.true(error.message.startsWith(file));
  };
  await refused('[1]', /expected the configuration as a JSON object/);
  await refused('{"a": ', /not valid JSON/);
  await refused(
    `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 17209920\n`,
    /Git LFS pointer, not the file itself; fetch it with: git lfs pull/,
  );
});

test('what is no file, or too long for one, is refused before it is read', async (t) => {
  const directory = scratchDirectory(t);
  const role = 'the configuration';
  await t.throwsAsync(readJsonObject(directory, role), { instanceOf: InputError, message: /a directory/ });
  const pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await t.throwsAsync(readJsonObject(pipe, role), {
    instanceOf: InputError,
    message: /found a named pipe; give/,
  });
  const long = join(directory, 'long.json');
  writeFileSync(long, '{}');
  truncateSync(long, 2 ** 29);
  await t.throwsAsync(readJsonObject(long, role), {
    instanceOf: InputError,
    message: /has 536870912 bytes, at most 268435456/,
  });
});
