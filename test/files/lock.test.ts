import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { InputError, RunError } from '../../src/errors.js';
import { findLock, Lock, lockAbove } from '../../src/files/lock.js';
import { beat, identityOf, ownerOf } from '../../src/files/lock-file.js';
import { createPartialFile } from '../../src/files/partial-file.js';
import { thisProcess } from '../../src/files/process-identity.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { holdLock } from '../helpers/lock-holder.js';
import { until } from '../helpers/until.js';

function newLock(t: ExecutionContext, name = 'lock'): { file: string; lock: Lock } {
  const file = join(scratchDirectory(t), name);
  return { file, lock: Lock.create(file)! };
}

test('a lock is there until it is given up, and says who holds it', (t) => {
  const { file, lock } = newLock(t);
  t.deepEqual(identityOf(ownerOf(readFileSync(file, 'utf8'))), thisProcess);
  t.is(findLock(file)?.standing, 'living');
  t.is(Lock.create(file), null);
  lock.check();
  lock.release();
  t.deepEqual(readdirSync(join(file, '..')), []);
  t.is(findLock(file), null);
  lock.release();
  Lock.create(file)!.release();
});

test('a lock is made without a hard link', (t) => {
  for (const code of ['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM']) {
    const file = join(scratchDirectory(t), 'lock');
    const script = `
      import fs from 'node:fs';
      import { syncBuiltinESMExports } from 'node:module';
      fs.linkSync = () => { throw Object.assign(new Error('no links'), { code: ${JSON.stringify(code)} }); };
      syncBuiltinESMExports();
      const { Lock } = await import(${JSON.stringify(new URL('../../src/files/lock.js', import.meta.url).href)});
      const lock = Lock.create(${JSON.stringify(file)});
      lock.check();
      lock.release();`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    });
    t.is(status, 0, stderr);
  }
});

test('the heartbeat goes on while the main thread works without a look at its timers', async (t) => {
  const file = join(scratchDirectory(t), 'lock');
  await holdLock(t, file, 'for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);');
  const beats = () => Number(readFileSync(file, 'utf8').split('\n')[1]);
  await until(() => beats() >= 3);
  t.is(findLock(file)?.standing, 'living');
});

test('the heartbeat does not keep its process alive', async (t) => {
  const file = join(scratchDirectory(t), 'lock');
  const child = await holdLock(t, file, '');
  const code = await new Promise((resolve) => child.on('exit', resolve));
  t.is(code, 0);
  t.is(findLock(file)?.standing, 'gone');
});

test('a heartbeat changes the lock file and nothing that another process made in its place', (t) => {
  const { file, lock } = newLock(t);
  const before = readFileSync(file, 'utf8');
  t.true(beat(lock.claim));
  t.is(readFileSync(file, 'utf8'), before.replace('\n0000000000\n', '\n0000000001\n'));
  const taken = before.replace(/"token":"\w/, '"token":"x');
  writeFileSync(file, taken);
  t.false(beat(lock.claim));
  t.is(readFileSync(file, 'utf8'), taken);
});

test('a lock that was taken over, or removed, is lost, and what is there is left alone', (t) => {
  const { file, lock } = newLock(t);
  const taken = `${JSON.stringify({ ...thisProcess, pid: 7, host: 'another-machine' })}\n0000000000\n`;
  writeFileSync(file, taken);
  const error = t.throws(() => lock.check(), { instanceOf: RunError });
  t.regex(
    error.message,
    /lock: this process's lock was taken over by process 7 on another-machine; was this process/,
  );
  lock.release();
  t.is(readFileSync(file, 'utf8'), taken);

  const { file: removed, lock: gone } = newLock(t);
  rmSync(removed);
  t.throws(() => gone.check(), { instanceOf: RunError, message: /is gone, removed by hand or by a process/ });
  gone.release();
});

test('a file in a locked directory is published while the lock is held, and not when it is lost', (t) => {
  const { file, lock } = newLock(t, '.eigenshard.lock');
  const directory = join(file, '..');
  mkdirSync(join(directory, 'sub'));
  const partial = createPartialFile(join(directory, 'sub', 'a'));
  createPartialFile(join(directory, 'b')).commit();
  rmSync(file);
  const error = t.throws(() => partial.commit(), { instanceOf: RunError });
  t.regex(error.message, /\.eigenshard\.lock: this process's lock is gone/);
  t.deepEqual(readdirSync(directory).sort(), ['b', 'sub']);
  t.deepEqual(readdirSync(join(directory, 'sub')), []);
  lock.release();
  createPartialFile(join(directory, 'c')).commit();
  t.true(existsSync(join(directory, 'c')));
});

test('of two locked directories the nearer one counts', (t) => {
  const { file, lock } = newLock(t, '.eigenshard.lock');
  const inner = join(file, '..', 'run');
  mkdirSync(inner);
  const nearer = Lock.create(join(inner, '.eigenshard.lock'))!;
  t.is(lockAbove(join(inner, 'projections', 'a')), nearer.claim);
  t.is(lockAbove(join(file, '..', 'run2', 'a')), lock.claim);
  nearer.release();
  t.is(lockAbove(join(inner, 'a')), lock.claim);
  lock.release();
  t.is(lockAbove(join(inner, 'a')), null);
});

test('what is no lock of ours says nothing of its holder', (t) => {
  for (const text of ['', '123 some-host', '{"pid":"7"}', '[]', 'null\n0']) {
    const file = join(scratchDirectory(t), 'lock');
    writeFileSync(file, text);
    t.deepEqual(findLock(file), { text, holder: null, standing: 'unknown' });
  }
});

test('a place where no file can be made is one message', (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'missing', 'lock');
  const error = t.throws(() => Lock.create(file), { instanceOf: InputError });
  t.true(error.message.startsWith(`${file}: cannot write: `));
  writeFileSync(join(directory, 'plain'), '');
  t.throws(() => Lock.create(join(directory, 'plain', 'lock')), { instanceOf: InputError });
});
