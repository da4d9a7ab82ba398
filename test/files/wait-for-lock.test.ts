import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path, { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { findLock, Lock } from '../../src/files/lock.js';
import { identityOf, ownerOf } from '../../src/files/lock-file.js';
import { type ProcessIdentity, thisProcess } from '../../src/files/process-identity.js';
import { lockDirectory, waitForLock } from '../../src/files/wait-for-lock.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { holdLock, stop } from '../helpers/lock-holder.js';
import { onHost } from '../helpers/other-host.js';
import { testUnless } from '../helpers/test-unless.js';

const context = { note: () => {} };
const elsewhere = { host: 'another-machine' };

const procTest = testUnless(
  existsSync('/proc/self/stat') ? null : 'no /proc, which tells the state of a process',
);

/** What a lock file says that was left by this process, but for these changes. */
const leftBy = (changes: Partial<ProcessIdentity>) =>
  `${JSON.stringify({ ...thisProcess, ...changes })}\n0000000007\n`;

const holderIn = (file: string) => identityOf(ownerOf(readFileSync(file, 'utf8')));

test('the second waits until the first gives the lock up, within one process too', async (t) => {
  const file = join(scratchDirectory(t), 'lock');
  const order: string[] = [];
  const first = await waitForLock(file, 'it works', context);
  const second = waitForLock(file, 'it works', context).then((lock) => {
    order.push('second');
    lock.release();
  });
  order.push('first');
  first.release();
  await second;
  t.deepEqual(order, ['first', 'second']);
  t.false(existsSync(file));
});

test('a lock of another thread of this process holds', async (t) => {
  const directory = scratchDirectory(t);
  const script = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(new URL('../../src/files/lock.js', import.meta.url).href)}).then(({ Lock }) => {
      const lock = Lock.create(${JSON.stringify(join(directory, '.eigenshard.lock'))});
      parentPort.once('message', () => {
        lock.release();
        parentPort.postMessage('released');
      });
      parentPort.postMessage('held');
    });`;
  const thread = new Worker(script, { eval: true });
  t.teardown(() => thread.terminate());
  await once(thread, 'message');
  await t.throwsAsync(lockDirectory(directory, context), { instanceOf: InputError });
  thread.postMessage('release');
  await once(thread, 'message');
  (await lockDirectory(directory, context)).release();
});

test('a living process of this machine keeps others out of a directory, and is named', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, '.eigenshard.lock');
  const other = await holdLock(t, file, 'process.stdin.resume();');
  const error = await t.throwsAsync(lockDirectory(directory, context), { instanceOf: InputError });
  t.is(
    error?.message,
    `${directory}: process ${other.pid} on ${thisProcess.host} is working there. Wait for it, or choose another --out`,
  );
  other.stdin!.end();
  await new Promise((resolve) => other.on('exit', resolve));
  const lock = await lockDirectory(directory, context);
  t.deepEqual(holderIn(file), thisProcess);
  lock.release();
  t.deepEqual(readdirSync(directory), []);
});

test('a lock of this very process, which no other part of it gave up, holds', async (t) => {
  const directory = scratchDirectory(t);
  const lock = await lockDirectory(directory, context);
  await t.throwsAsync(lockDirectory(directory, context), { instanceOf: InputError });
  lock.release();
  (await lockDirectory(directory, context)).release();
});

procTest('the lock of a process of this machine that is gone is taken over without a word', async (t) => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  // The second is this process's own number, given to an earlier one.
  for (const changes of [{ pid }, { started: '1' }]) {
    const directory = scratchDirectory(t);
    writeFileSync(join(directory, '.eigenshard.lock'), leftBy(changes));
    const notes: string[] = [];
    const silentSeconds = Number.POSITIVE_INFINITY;
    const lock = await lockDirectory(directory, { note: (line) => notes.push(line), silentSeconds });
    lock.check();
    lock.release();
    t.deepEqual(notes, []);
    t.deepEqual(readdirSync(directory), []);
  }
});

test('a holder that cannot be asked is taken for dead when it is silent, which is told', async (t) => {
  for (const [text, holder] of [
    [leftBy({ ...elsewhere, pid: 7 }), 'process 7 on another-machine'],
    [leftBy({ system: 'another boot' }), `process ${process.pid} on ${thisProcess.host}`],
    ['', 'an unknown process'],
  ] as const) {
    const directory = scratchDirectory(t);
    const file = join(directory, '.eigenshard.lock');
    writeFileSync(file, text);
    const notes: string[] = [];
    const lock = await lockDirectory(directory, { note: (line) => notes.push(line), silentSeconds: 1.2 });
    t.deepEqual(holderIn(file), thisProcess);
    t.deepEqual(notes, [
      `${directory}: locked by ${holder}; to be taken over when it gives no sign of life for 1.2 s`,
      `${file}: taken over from ${holder}, which was silent for 1.2 s`,
    ]);
    lock.release();
    t.deepEqual(readdirSync(directory), []);
  }
});

test('a holder on another machine that beats keeps others out of a directory', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, '.eigenshard.lock');
  const other = await holdLock(t, file, 'process.stdin.resume();', onHost('another-machine'));
  t.like(holderIn(file), { pid: other.pid!, host: 'another-machine' });
  const error = await t.throwsAsync(lockDirectory(directory, context), { instanceOf: InputError });
  t.regex(error!.message, new RegExp(`process ${other.pid} on another-machine is working there`));
});

procTest(
  'a process that was stopped for longer than the silence, and goes on, finds its lock lost',
  async (t) => {
    const directory = scratchDirectory(t);
    const file = join(directory, '.eigenshard.lock');
    const script = `
    process.stdin.once('data', () => {
      try {
        lock.check();
      } catch (error) {
        console.log(error.message);
      }
      lock.release();
      process.exit();
    });`;
    const other = await holdLock(t, file, script, onHost('another-machine'));
    await stop(other);
    const lock = await lockDirectory(directory, { ...context, silentSeconds: 0.3 });
    other.kill('SIGCONT');
    other.stdin!.write('go on\n');
    const said = await new Promise((resolve) => other.stdout!.once('data', (text) => resolve(String(text))));
    t.regex(String(said), new RegExp(`lock was taken over by process ${process.pid} on `));
    await new Promise((resolve) => other.on('exit', resolve));
    lock.check();
    lock.release();
  },
);

procTest('a process of this machine that is merely stopped lives, and is never taken for dead', async (t) => {
  const file = join(scratchDirectory(t), 'lock');
  await stop(await holdLock(t, file, 'process.stdin.resume();'));
  const notes: string[] = [];
  const enough = new AbortController();
  // By the time of this note, a second, the silence is over many times.
  const note = (line: string) => {
    notes.push(line);
    enough.abort();
  };
  const waiting = waitForLock(file, 'it works', { note, signal: enough.signal, silentSeconds: 0.1 });
  await t.throwsAsync(waiting, { name: 'AbortError' });
  t.regex(notes.join(), /^waiting for process \d+ on .*: it works$/);
  t.is(findLock(file)?.standing, 'living');
});

test('waiting ends with the signal', async (t) => {
  const file = join(scratchDirectory(t), 'lock');
  const left = leftBy(elsewhere);
  writeFileSync(file, left);
  const stopped = new AbortController();
  const waiting = waitForLock(file, 'it works', { ...context, signal: stopped.signal });
  stopped.abort();
  await t.throwsAsync(waiting, { name: 'AbortError' });
  t.is(readFileSync(file, 'utf8'), left);
});

test('however many wait, and however many die with it, a lock is held by one at a time', async (t) => {
  const directory = scratchDirectory(t);
  const script = `
    import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
    import { waitForLock } from ${JSON.stringify(path.resolve(import.meta.dirname, '../../src/files/wait-for-lock.js'))};
    const [, directory, number] = process.argv;
    for (let turn = 0; turn < 12; turn++) {
      const lock = await waitForLock(directory + '/lock', 'it works', { note: () => {} });
      lock.check();
      // Nobody else may be here.
      closeSync(openSync(directory + '/inside', 'wx'));
      rmSync(directory + '/inside');
      writeFileSync(directory + '/turns', number + ' ', { flag: 'a' });
      // Every second process dies with the lock.
      if (turn === 11 && number % 2 === 0) process.kill(process.pid, 'SIGKILL');
      lock.release();
    }`;
  const ended = Array.from({ length: 6 }, (_, number) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, directory, String(number)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    return new Promise<string>((resolve) => child.on('close', (code) => resolve(`${code} ${stderr}`)));
  });
  t.deepEqual(await Promise.all(ended), ['null ', '0 ', 'null ', '0 ', 'null ', '0 ']);
  t.is(readFileSync(join(directory, 'turns'), 'utf8').trim().split(' ').length, 6 * 12);
  const last =
    Lock.create(join(directory, 'lock')) ?? (await waitForLock(join(directory, 'lock'), '', context));
  last.release();
  t.deepEqual(readdirSync(directory), ['turns']);
});
