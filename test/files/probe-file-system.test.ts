import fs, { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../src/errors.js';
import { abilities, probeFileSystem } from '../../src/files/probe-file-system.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { refuseCalls } from '../helpers/refused-calls.js';

/** Replaces functions of node:fs, or of its promises, until the test has ended. */
function replace(t: ExecutionContext, target: object, functions: Record<string, unknown>): void {
  const originals = Object.fromEntries(
    Object.keys(functions).map((name) => [name, Reflect.get(target, name)]),
  );
  const set = (values: Record<string, unknown>) => {
    Object.assign(target, values);
    syncBuiltinESMExports();
  };
  set(functions);
  t.teardown(() => set(originals));
}

test.serial('of a local folder everything works, its figures are given, and nothing is left', async (t) => {
  const directory = scratchDirectory(t);
  writeFileSync(path.join(directory, 'mine'), 'mine');
  const found = await probeFileSystem(directory);
  t.deepEqual(found.problems, Object.fromEntries(abilities.map((ability) => [ability, null])) as never);
  t.is(found.host, hostname());
  t.true(found.syncMilliseconds! > 0);
  t.true(found.freeBytes! > 0);
  t.true(Math.abs(found.clockSeconds!) < 1, `${found.clockSeconds} s`);
  t.deepEqual(readdirSync(directory), ['mine']);
});

test.serial('what the system refuses is found of that ability, with its code', async (t) => {
  for (const [calls, code, expected] of [
    ['linkSync', 'EPERM', { folder: null, lock: null, hardLinks: 'EPERM' }],
    ['fsyncSync', 'EINVAL', { folder: null, lock: null, fileSync: 'EINVAL', folderSync: 'EINVAL' }],
    ['mkdtempSync', 'EROFS', { folder: 'EROFS', lock: 'not tried' }],
  ] as const) {
    const directory = scratchDirectory(t);
    const refused = refuseCalls({ calls: [calls], code, path: directory });
    try {
      t.like((await probeFileSystem(directory)).problems, expected);
    } finally {
      refused.end();
    }
    t.deepEqual(readdirSync(directory), []);
  }
});

test.serial('a file system on which two can make one file exclusively has no locks', async (t) => {
  const directory = scratchDirectory(t);
  const { openSync } = fs;
  replace(t, fs, {
    openSync: (file: string, flags: string, ...rest: []) =>
      openSync(file, flags === 'wx' ? 'w' : flags, ...rest),
  });
  const { problems } = await probeFileSystem(directory);
  t.is(problems.exclusiveCreation, 'a second exclusive creation of a file succeeds too');
  t.is(problems.lock, 'two can hold one lock');
  t.is(problems.renameOver, null);
});

test.serial('a rename that a reader can see half-way is found', async (t) => {
  const directory = scratchDirectory(t);
  const { readFile, unlink, writeFile } = fs.promises;
  replace(t, fs.promises, {
    rename: async (from: string, to: string) => {
      const bytes = await readFile(from);
      await unlink(to);
      await delay(2);
      await writeFile(to, bytes);
    },
  });
  const { problems } = await probeFileSystem(directory);
  t.regex(problems.renameOver!, /^a reader finds (?:no file meanwhile \(ENOENT\)|a part of the file)$/);
  t.deepEqual(readdirSync(directory), []);
});

test.serial(
  'no directory, or a file, is refused; a link is followed once, and nothing through one below',
  async (t) => {
    const [directory, elsewhere] = [scratchDirectory(t), scratchDirectory(t)];
    const file = path.join(directory, 'file');
    writeFileSync(file, 'mine');
    for (const wrong of [file, path.join(directory, 'missing')])
      await t.throwsAsync(probeFileSystem(wrong), { instanceOf: InputError });
    const link = path.join(directory, 'link');
    symlinkSync(elsewhere, link);
    mkdirSync(path.join(elsewhere, 'kept'));
    t.is((await probeFileSystem(link)).directory, fs.realpathSync(elsewhere));
    t.deepEqual(readdirSync(elsewhere), ['kept']);
    t.is(readFileSync(file, 'utf8'), 'mine');
  },
);
