import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { lockDirectory, removeLock } from '../../src/files/lock.js';
import { scratchDirectory } from '../helpers/fixtures.js';

/** A new directory with the lock of another holder. */
function lockedBy(t: ExecutionContext, holder: string): { directory: string; lock: string } {
  const directory = scratchDirectory(t);
  lockDirectory(directory)();
  const lock = join(directory, '.eigenshard.lock');
  writeFileSync(lock, holder);
  return { directory, lock };
}

test('a lock is there until it is given up', (t) => {
  const directory = scratchDirectory(t);
  const unlock = lockDirectory(directory);
  t.deepEqual(readdirSync(directory), ['.eigenshard.lock']);
  t.is(readFileSync(join(directory, '.eigenshard.lock'), 'utf8'), `${process.pid} ${hostname()}`);
  unlock();
  t.deepEqual(readdirSync(directory), []);
  unlock();
  lockDirectory(directory)();
});

test('a living process of this machine keeps others out, and is named', async (t) => {
  const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const gone = new Promise((resolve) => other.on('exit', resolve));
  const { directory, lock } = lockedBy(t, `${other.pid} ${hostname()}`);
  const error = t.throws(() => lockDirectory(directory), { instanceOf: InputError });
  t.true(error.message.startsWith(`${directory}: process ${other.pid} on ${hostname()} is working there.`));
  t.true(error.message.endsWith(`remove ${lock}`));
  t.is(readFileSync(lock, 'utf8'), `${other.pid} ${hostname()}`);
  other.stdin.end();
  await gone;
  lockDirectory(directory)();
  t.false(existsSync(lock));
});

test('the lock of a process that is gone is taken over', (t) => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const { directory, lock } = lockedBy(t, `${pid} ${hostname()}`);
  const unlock = lockDirectory(directory);
  t.is(readFileSync(lock, 'utf8'), `${process.pid} ${hostname()}`);
  unlock();
});

test('a lock of this very process, which no other part of it gave up, holds', (t) => {
  const directory = scratchDirectory(t);
  const unlock = lockDirectory(directory);
  t.throws(() => lockDirectory(directory), { instanceOf: InputError });
  unlock();
  lockDirectory(directory)();
});

test('a stale lock that was taken over in the meantime is put back', (t) => {
  const { directory, lock } = lockedBy(t, '1 newer');
  removeLock(lock, '2 older');
  t.is(readFileSync(lock, 'utf8'), '1 newer');
  removeLock(lock, '1 newer');
  t.deepEqual(readdirSync(directory), []);
  removeLock(lock, '1 newer');
});

test('a process of another machine cannot be asked whether it lives: its lock holds', (t) => {
  const { directory } = lockedBy(t, `${process.pid} another-machine`);
  const error = t.throws(() => lockDirectory(directory), { instanceOf: InputError });
  t.regex(error.message, /on another-machine is working there/);
});

test('a directory that is missing, or a file, is no place for a lock', (t) => {
  const directory = scratchDirectory(t);
  t.throws(() => lockDirectory(join(directory, 'missing')), { code: 'ENOENT' });
  writeFileSync(join(directory, 'plain'), '');
  t.throws(() => lockDirectory(join(directory, 'plain')), { code: 'ENOTDIR' });
});
