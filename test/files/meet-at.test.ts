import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { meetAt } from '../../src/files/meet-at.js';
import { scratchDirectory } from '../helpers/fixtures.js';

const { signal } = new AbortController();
const patient = { signal, patienceSeconds: 300 };
const hasty = { signal, patienceSeconds: 0.05 };

test('two that meet see files of each other, and leave nothing', async (t) => {
  const directory = scratchDirectory(t);
  const pairs = await Promise.all(['a', 'a', 'b', 'b'].map((token) => meetAt(directory, token, patient)));
  for (const { other, medianSeconds, longestSeconds } of pairs) {
    t.is(other, hostname());
    t.true(medianSeconds > 0 && medianSeconds <= longestSeconds);
  }
  t.deepEqual(readdirSync(directory), []);
});

test('one to whom nobody comes says so, and leaves nothing', async (t) => {
  const directory = scratchDirectory(t);
  await t.throwsAsync(meetAt(directory, 'a', hasty), {
    instanceOf: InputError,
    message:
      /no answer of another machine is seen within 0\.05 s; start the same command with the same token/,
  });
  t.deepEqual(readdirSync(directory), []);
});

test('an interrupted one leaves nothing either', async (t) => {
  const directory = scratchDirectory(t);
  const interruption = new AbortController();
  const waiting = meetAt(directory, 'a', { ...patient, signal: interruption.signal });
  interruption.abort();
  await t.throwsAsync(waiting, { message: 'interrupted' });
  t.deepEqual(readdirSync(directory), []);
});

test('what is no token, a link in the place of its folder, and the rest of a killed pair are refused', async (t) => {
  const [directory, elsewhere] = [scratchDirectory(t), scratchDirectory(t)];
  for (const token of ['', '../a', 'a/b', '.', 'a b', 'a'.repeat(65), 'é'])
    await t.throwsAsync(meetAt(directory, token, hasty), { instanceOf: InputError, message: /is no token/ });
  symlinkSync(elsewhere, path.join(directory, '.eigenshard-doctor-of-linked'));
  await t.throwsAsync(meetAt(directory, 'linked', hasty), {
    instanceOf: InputError,
    message: /another pair/,
  });
  const left = path.join(directory, '.eigenshard-doctor-of-left');
  mkdirSync(left);
  for (const name of ['ping-0', 'pong-0']) writeFileSync(path.join(left, name), 'node-b');
  await t.throwsAsync(meetAt(directory, 'left', hasty), { instanceOf: InputError, message: /left over/ });
  t.deepEqual(readdirSync(elsewhere), []);
});
