import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { RunDirectory } from '../../src/output/run-directory.js';
import { campaignLack } from '../helpers/campaign.js';
import { eigenshard, startUntilRecord } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { stopped } from '../helpers/lock-holder.js';
import { onHost } from '../helpers/other-host.js';
import { dataFiles, shardedModel } from '../helpers/runs.js';
import { sameFiles } from '../helpers/same-files.js';
import { testUnless } from '../helpers/test-unless.js';

const options = ['--partition-rows', '100', '--export', 'npy', '--workers', '2', '--quiet'];

test('a run that was killed on one machine is resumed on another, where its lock cannot be asked', async (t) => {
  const model = shardedModel(t, 3000, 64).directory;
  const whole = scratchDirectory(t);
  t.is((await eigenshard('--model', model, '--out', whole, ...options)).code, 0);
  const out = scratchDirectory(t);
  const command = ['--model', model, '--out', out, ...options];
  const at = { folder: path.basename(out), stage: 'project', records: 1, signal: 'SIGKILL' } as const;
  await startUntilRecord(command, at, onHost('another-machine')).ended;
  const notes: string[] = [];
  const flags = { resume: true, overwrite: false };
  const waiting = { note: (line: string) => notes.push(line), silentSeconds: 0.3 };
  (await RunDirectory.open(out, flags, waiting)).close();
  t.regex(notes.join('\n'), /taken over from process \d+ on another-machine, which was silent for 0\.3 s$/);
  const resumed = await eigenshard(...command, '--resume');
  t.is(resumed.code, 0, resumed.stderr);
  sameFiles(t, dataFiles(out), dataFiles(whole));
});

const stopTest = testUnless(
  existsSync('/proc/self/stat') ? null : 'no /proc, which tells that a process has stopped',
);

/** When a run is stopped, by the records that it has then. */
const moments = [
  { stage: 'basis', records: 1 },
  { stage: 'project', records: 17 },
  ...(campaignLack === null
    ? ([
        { stage: 'covariance', records: 1 },
        { stage: 'verify', records: 10 },
      ] as const)
    : []),
] as const;

stopTest(
  'a run that was stopped, and lost its directory to another, ends and changes nothing there',
  async (t) => {
    const model = shardedModel(t, 3000, 64).directory;
    const whole = scratchDirectory(t);
    t.is((await eigenshard('--model', model, '--out', whole, ...options)).code, 0);
    for (const moment of moments) {
      const out = scratchDirectory(t);
      const command = ['--model', model, '--out', out, ...options];
      const at = { folder: path.basename(out), signal: 'SIGSTOP', ...moment } as const;
      const { process, ended } = startUntilRecord(command, at, onHost('another-machine'));
      await stopped(process);
      const flags = { resume: true, overwrite: false };
      const directory = await RunDirectory.open(out, flags, { note: () => {}, silentSeconds: 0.3 });
      const before = publishedFiles(out);
      process.kill('SIGCONT');
      const { code, stderr } = await ended;
      t.is(code, 1, stderr);
      t.regex(stderr, /\.eigenshard\.lock: this process's lock was taken over by process \d+ on /);
      t.false(/^ +at /m.test(stderr), stderr);
      sameFiles(t, publishedFiles(out), before);
      directory.close();
      const resumed = await eigenshard(...command, '--resume');
      t.is(resumed.code, 0, resumed.stderr);
      sameFiles(t, dataFiles(out), dataFiles(whole));
      t.is((await eigenshard('verify', out, '--quiet')).code, 0);
    }
  },
);

/** What is in a run's directory under its name, its plan and records among it. */
function publishedFiles(directory: string): Map<string, Buffer> {
  const files = [...dataFiles(directory)].filter(([name]) => !/\.(partial|unfinished)$/.test(name));
  return new Map(files);
}
