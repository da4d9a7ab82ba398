import { readdirSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { Meeting } from '../../src/files/meet-at.js';
import type { FileSystemFindings } from '../../src/files/probe-file-system.js';
import { answer } from '../helpers/answers.js';
import { start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { hostsTest, startOnHost } from '../helpers/other-host.js';

type Answer = FileSystemFindings & { meeting: Meeting | null; verdict: string; reasons: { what: string }[] };

test('doctor says what a folder can do, ends with a verdict, and leaves nothing', async (t) => {
  const directory = scratchDirectory(t);
  const { code, stdout, stderr } = await answer('doctor', directory);
  t.is(code, 0, stderr);
  for (const line of [
    /\nexclusive creation +works\n/,
    /\nrenaming over a file +works\n/,
    /\nthe lock of a run +works\n/,
    /\na small file, synced +[\d.]+ ms\n/,
    /\nfree +[\d.]+ [GT]B \(a quota may allow less\)\n/,
    /\nserves(?: with a limit\n- .*: .*)?\n$/,
  ])
    t.regex(stdout, line);
  const { verdict, problems, meeting } = JSON.parse(
    (await answer('doctor', directory, '--json')).stdout,
  ) as Answer;
  t.true(stdout.includes(`\n${verdict}\n`));
  t.is(problems.lock, null);
  t.is(meeting, null);
  t.deepEqual(readdirSync(directory), []);
});

hostsTest("two machines see each other's files, by their own host names", async (t) => {
  const directory = scratchDirectory(t);
  const hosts = ['node-a', 'node-b'];
  const args = ['doctor', directory, '--visible-from', 'a7', '--json'];
  const ended = await Promise.all(hosts.map((host) => startOnHost(host, args).ended));
  const answers = ended.map(({ code, stdout, stderr }) => {
    t.is(code, 0, stderr);
    return JSON.parse(stdout) as Answer;
  });
  t.deepEqual(
    answers.map(({ host, meeting }) => [host, meeting?.other]),
    [
      ['node-a', 'node-b'],
      ['node-b', 'node-a'],
    ],
  );
  for (const { meeting } of answers) t.true(meeting!.medianSeconds > 0);
  t.deepEqual(readdirSync(directory), []);
});

test('a folder that does not serve ends with 2, its reasons and what to do', async (t) => {
  const directory = scratchDirectory(t);
  const hook = new URL('../helpers/refused-calls.js', import.meta.url).href;
  const { code, stdout, stderr } = await start(['doctor', directory], {
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${hook}`,
    REFUSED_CALLS: JSON.stringify({
      calls: ['fsyncSync'],
      code: 'EIO',
      path: path.join(directory, '.eigenshard-doctor-'),
    }),
  }).ended;
  t.is(code, 2);
  t.regex(stdout, /\nsyncing a file +EIO\n/);
  t.regex(stdout, /\na small file, synced +not measured\n/);
  t.regex(
    stdout,
    /\ndoes not serve\n- files cannot be synced to the disk \(EIO\), .*: choose another file system\n/,
  );
  t.regex(stderr, /^eigenshard: .*: does not serve, for the reasons above\n$/);
  t.deepEqual(readdirSync(directory), []);
  t.is((await answer('doctor', path.join(directory, 'missing'))).code, 2);
});
