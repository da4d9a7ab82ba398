import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { waitForLock } from '../../src/files/wait-for-lock.js';
import { scratchDirectory } from '../helpers/fixtures.js';

const context = { note: () => {} };

test('the second waits until the first gives the lock up, within one process too', async (t) => {
  const file = join(scratchDirectory(t), 'lock');
  const order: string[] = [];
  const release = await waitForLock(file, 'it works', context);
  const second = waitForLock(file, 'it works', context).then((unlock) => {
    order.push('second');
    unlock();
  });
  order.push('first');
  release();
  await second;
  t.deepEqual(order, ['first', 'second']);
  t.false(existsSync(file));
});

test('a holder of another machine that is silent is taken for dead', async (t) => {
  const file = join(scratchDirectory(t), 'lock');
  writeFileSync(file, '7 another-machine');
  const notes: string[] = [];
  const release = await waitForLock(file, 'it works', { note: (line) => notes.push(line) }, 1.2);
  t.is(readFileSync(file, 'utf8'), `${process.pid} ${hostname()}`);
  t.deepEqual(notes, ['waiting for process 7 on another-machine: it works']);
  release();
});

test('waiting ends with the signal', async (t) => {
  const file = join(scratchDirectory(t), 'lock');
  writeFileSync(file, '7 another-machine');
  const stop = new AbortController();
  const waiting = waitForLock(file, 'it works', { ...context, signal: stop.signal });
  stop.abort();
  await t.throwsAsync(waiting, { name: 'AbortError' });
  t.is(readFileSync(file, 'utf8'), '7 another-machine');
});
