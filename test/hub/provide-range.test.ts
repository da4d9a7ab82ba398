import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { RunError } from '../../src/errors.js';
import { thisProcess } from '../../src/files/process-identity.js';
import { planModel } from '../../src/input/model-plan.js';
import { readManifest } from '../../src/output/manifest.js';
import { start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { obtain, SHARD, shardedHub } from '../helpers/hub-models.js';
import { runHere } from '../helpers/runs.js';
import { until } from '../helpers/until.js';

/** Where a child process says how far its download is. */
async function progressFile(cache: string): Promise<string> {
  for (;;) {
    const names = existsSync(cache) ? readdirSync(cache, { recursive: true }).map(String) : [];
    const found = names.find((name) => /\d+-\d+\.progress$/.test(name));
    if (found !== undefined) return join(cache, found);
    await delay(5);
  }
}

/** Bytes that a download of one piece has received. */
function receivedIn(progress: string): number {
  return Number(readFileSync(progress, 'utf8').split('\n')[1]?.slice(0, 16));
}

test('a process that is killed during a download goes on at the byte where it stopped', async (t) => {
  const { server, model, matrix } = await shardedHub(t);
  const home = scratchDirectory(t);
  const environment = server.environment(home);
  // In the default pieces, the matrix is one: three quarters of it come, then nothing more.
  const stopAt = Math.floor(matrix.length * 0.75);
  server.fault = ({ origin }, before) => (origin === 'cdn' && before === 2 ? { stallAfter: stopAt } : null);
  const command = ['--model', 'some/model', '--out', join(home, 'out'), '--workers', '1'];
  const first = start(command, environment);
  const progress = await progressFile(join(home, 'cache'));
  await until(() => receivedIn(progress) === stopAt);
  first.process.kill('SIGKILL');
  await first.ended;
  t.is(receivedIn(progress), stopAt);

  server.fault = () => null;
  const before = server.seen.length;
  const second = await start(command, environment).ended;
  t.is(second.code, 0, second.stderr);
  const begin = server.files.get(SHARD)!.content.length - matrix.length;
  const ranges = server.seen.slice(before).flatMap(({ origin, range }) => (origin === 'cdn' ? [range] : []));
  t.deepEqual(ranges, [`bytes=${begin + stopAt}-${begin + matrix.length - 1}`]);
  const local = await runHere({ model: model.directory, out: scratchDirectory(t) });
  t.is(readManifest(join(home, 'out')).model.contentSha256, local.manifest.model.contentSha256);
  t.deepEqual(
    readdirSync(join(progress, '..'))
      .filter((name) => !name.startsWith('header'))
      .sort(),
    [`${begin}-${begin + matrix.length}`, `${begin}-${begin + matrix.length}.json`],
  );
});

test('two processes at once download once', async (t) => {
  const { server, matrix } = await shardedHub(t);
  const home = scratchDirectory(t);
  const environment = server.environment(home);
  const runs = ['a', 'b', 'c'].map((out) =>
    start(['--model', 'some/model', '--out', join(home, out), '--workers', '1', '--quiet'], environment),
  );
  for (const { code, stderr } of await Promise.all(runs.map(({ ended }) => ended))) t.is(code, 0, stderr);
  const ranged = server.seenOf(SHARD).filter(({ sent }) => sent > 1000);
  t.is(
    ranged.reduce((sum, { sent }) => sum + sent, 0),
    matrix.length,
  );
});

test('two plans in one process download once', async (t) => {
  const { server, matrix } = await shardedHub(t);
  const settings = server.settings(t);
  const both = await Promise.all([obtain(settings), obtain(settings)]);
  t.deepEqual(both[0].checkpoint, both[1].checkpoint);
  const pieces = server.seenOf(SHARD).filter(({ sent }) => sent >= 1000);
  t.is(
    pieces.reduce((sum, { sent }) => sum + sent, 0),
    matrix.length,
  );
});

test('a download whose lock another process has taken over ends, and moves nothing', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  const plan = await planModel('some/model', { hub: settings });
  const lock = `${plan.downloadTarget}.lock`;
  const taken = JSON.stringify({ ...thisProcess, pid: 7, host: 'another-machine' });
  const fetched = plan.fetch(() => existsSync(lock) && writeFileSync(lock, taken));
  await t.throwsAsync(fetched, {
    instanceOf: RunError,
    message: /\.lock: this process's lock was taken over by process 7 on another-machine/,
  });
  t.false(existsSync(plan.downloadTarget!));
  t.true(existsSync(`${plan.downloadTarget}.partial`));
  t.is(readFileSync(lock, 'utf8'), taken);
});

test('an aborted download stops at once and keeps what it has', async (t) => {
  const { server, matrix } = await shardedHub(t);
  const settings = server.settings(t);
  const plan = await planModel('some/model', { hub: settings });
  const stop = new AbortController();
  server.fault = ({ origin }, before) => (origin === 'cdn' && before >= 6 ? { stallAfter: 0 } : null);
  const stopped = await plan
    .fetch((bytes) => bytes > 1000 && stop.abort(), stop.signal)
    .catch((error: unknown) => error);
  t.is(stopped, stop.signal.reason);
  server.fault = () => null;
  const { checkpoint, planned } = await obtain(settings);
  t.true(planned < matrix.length);
  t.true(readFileSync(checkpoint.source.file).equals(matrix));
});

test('a tensor in the cache that was damaged is noticed, downloaded again, and offline refused', async (t) => {
  const { server, matrix } = await shardedHub(t);
  const settings = server.settings(t);
  const { checkpoint } = await obtain(settings);
  const { file } = checkpoint.source;
  const damage = () => {
    const bytes = readFileSync(file);
    bytes[5]! ^= 1;
    writeFileSync(file, bytes);
  };
  damage();
  await t.throwsAsync(obtain({ ...settings, offline: true }), { message: /HF_HUB_OFFLINE/ });
  const notes: string[] = [];
  await obtain(settings, 'some/model', notes);
  t.regex(notes.join('\n'), /is no longer what was downloaded: to be downloaded again/);
  t.true(readFileSync(file).equals(matrix));
  writeFileSync(join(checkpoint.path, 'config.json'), '{}');
  t.is((await obtain(settings)).checkpoint.model.hiddenSize, 32);
});
