import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Writable } from 'node:stream';
import test from 'ava';
import { standingOf, thisProcess } from '../../src/files/process-identity.js';
import { testUnless } from '../helpers/test-unless.js';
import { until } from '../helpers/until.js';

const hasProc = existsSync('/proc/self/stat');

test('this process lives, under its own number and host', (t) => {
  t.like(thisProcess, { pid: process.pid, host: hostname() });
  t.is(standingOf(thisProcess), hasProc ? 'living' : 'unknown');
});

test('a process that has ended is gone', (t) => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  t.is(standingOf({ ...thisProcess, pid }), 'gone');
});

test('a number that another process has by now is that of a process that is gone, where the start tells', (t) => {
  t.is(standingOf({ ...thisProcess, started: '1' }), hasProc ? 'gone' : 'unknown');
  const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  t.teardown(() => other.kill());
  t.is(standingOf({ ...thisProcess, pid: other.pid!, started: '1' }), hasProc ? 'gone' : 'unknown');
  t.is(standingOf({ ...thisProcess, pid: other.pid!, started: '' }), 'unknown');
});

testUnless(hasProc ? null : 'no /proc')(
  'a process that was killed, and whose parent has not asked for it, is gone',
  async (t) => {
    // The program that takes the shell's place never asks for the shell's child, which ends with its input.
    const parent = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 600'], {
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    });
    t.teardown(() => parent.kill('SIGKILL'));
    const pid = await new Promise<number>((resolve) =>
      parent.stdout!.once('data', (text) => resolve(Number(text))),
    );
    await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'latin1') === 'sleep\n');
    (parent.stdio[3] as Writable).end();
    const stat = () => readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ');
    await until(() => stat()[2] === 'Z');
    t.is(standingOf({ ...thisProcess, pid, started: stat()[21]! }), 'gone');
  },
);

test('a process of another host, boot or container cannot be asked for, whatever its number', (t) => {
  for (const change of [{ host: 'another-machine' }, { system: 'another boot' }, { system: '' }]) {
    const elsewhere = { ...thisProcess, ...change };
    t.is(standingOf(elsewhere), 'unknown');
    t.is(
      standingOf({ ...elsewhere, pid: 2 ** 22 + 1 }),
      !hasProc && change.system === '' ? 'gone' : 'unknown',
    );
  }
});
