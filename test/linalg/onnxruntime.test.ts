import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { onnxruntimeVersion } from '../../src/linalg/onnxruntime.js';
import { start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { shardedModel } from '../helpers/runs.js';
import { testUnless } from '../helpers/test-unless.js';

/** Compiled, this file is dist/test/linalg/onnxruntime.test.js. */
const dist = path.resolve(import.meta.dirname, '../..');

test('the version is the one of the installed package', (t) => {
  t.regex(onnxruntimeVersion(), /^\d+\.\d+\.\d+$/);
});

test('a run leaves nothing in the home directory, whatever the environment says of telemetry', async (t) => {
  const model = shardedModel(t, 40, 8).directory;
  for (const setting of [{}, { ORT_DISABLE_TELEMETRY: '0' }, { ORT_DISABLE_TELEMETRY: '' }]) {
    const home = scratchDirectory(t);
    const args = ['--model', model, '--out', path.join(home, 'run'), '--workers', '2'];
    const { code, stderr } = await start(args, { ...setting, HOME: home }).ended;
    t.is(code, 0, stderr);
    t.deepEqual(readdirSync(home), ['run'], JSON.stringify(setting));
  }
});

const straceTest = testUnless(existsSync('/usr/bin/strace') ? null : '/usr/bin/strace is absent');

straceTest('a run opens no socket but between its own threads', async (t) => {
  const model = shardedModel(t, 40, 8).directory;
  const directory = scratchDirectory(t);
  const trace = path.join(directory, 'trace');
  const { status, stderr } = spawnSync(
    '/usr/bin/strace',
    [
      ...['-f', '-qq', '-e', 'trace=socket,connect,sendto,openat', '-o', trace, process.execPath],
      ...[path.join(dist, '../coordinator.js'), '--model', model, '--out', path.join(directory, 'run')],
    ],
    { encoding: 'utf8', env: { PATH: process.env.PATH, HOME: directory } },
  );
  t.is(status, 0, stderr);
  const calls = readFileSync(trace, 'utf8').split('\n');
  t.true(calls.length > 100);
  t.deepEqual(
    calls.filter((call) => /\b(socket|connect|sendto)\(|resolv\.conf|\/etc\/hosts/.test(call)),
    [],
  );
});

test('a thread that cannot turn the telemetry off says what to do', async (t) => {
  const module = new URL('../../src/linalg/onnxruntime.js', import.meta.url).href;
  const worker = new Worker(`import(${JSON.stringify(module)}).then((door) => door.loadOnnxruntime())`, {
    eval: true,
    env: {},
  });
  const error = await new Promise<Error>((resolve, reject) => {
    worker.on('error', resolve).on('exit', () => reject(new Error('the thread ended without an error')));
  });
  t.regex(error.message, /set ORT_DISABLE_TELEMETRY=1 in the environment/);
});
