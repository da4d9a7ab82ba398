import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { InputError, RunError } from '../../src/errors.js';
import { Lock } from '../../src/files/lock.js';
import { cacheLock } from '../../src/hub/cache-layout.js';
import type { HubSettings } from '../../src/hub/settings.js';
import { Token } from '../../src/hub/token.js';
import type { Checkpoint } from '../../src/input/checkpoint.js';
import { planModel } from '../../src/input/model-plan.js';
import { readManifest } from '../../src/output/manifest.js';
import { eigenshard, start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { COMMIT, type Fault, HubServer, servedFile } from '../helpers/hub-server.js';
import { runHere, type SyntheticModel, shardedModel } from '../helpers/runs.js';
import { realModelTest } from '../helpers/shared-models.js';

const SHARD = 'model-00002-of-00002.safetensors';
const OTHER_SHARD = 'model-00001-of-00002.safetensors';

/** A hub with a sharded bfloat16 model of 1500 x 32: a matrix of 96,000 bytes, ten pieces. */
async function shardedHub(t: ExecutionContext): Promise<{ server: HubServer; model: SyntheticModel }> {
  const model = shardedModel(t, 1500, 32);
  writeFileSync(join(model.directory, 'tokenizer.json'), JSON.stringify({ model: { vocab: { a: 0 } } }));
  return { server: await HubServer.start(t, model.directory), model };
}

async function obtain(
  settings: HubSettings,
  reference = 'some/model',
  notes: string[] = [],
): Promise<{ checkpoint: Checkpoint; planned: number; received: number }> {
  const plan = await planModel(reference, { hub: settings, note: (line) => notes.push(line) });
  let received = 0;
  const checkpoint = await plan.fetch((bytes) => {
    received += bytes;
  });
  return { checkpoint, planned: plan.bytesToDownload, received };
}

/** The bytes of the matrix in the model's shard: they are its last. */
function matrixOf(server: HubServer, { rows, hidden }: SyntheticModel): Buffer {
  return server.files.get(SHARD)!.content.subarray(-rows * hidden * 2);
}

test('of a sharded model its header and its one tensor are downloaded, and no other byte of its weights', async (t) => {
  const { server, model } = await shardedHub(t);
  const { checkpoint, planned, received } = await obtain(server.settings(t));
  const matrix = matrixOf(server, model);
  t.true(readFileSync(checkpoint.source.file).equals(matrix));
  t.like(checkpoint.source, { byteOffset: 0, rows: 1500, columns: 32, tensor: 'lm_head.weight' });
  t.like(checkpoint.model, { name: 'some/model', revision: COMMIT });
  t.is(checkpoint.origin?.commit, COMMIT);

  const shard = server.files.get(SHARD)!.content;
  const headerBytes = 8 + Number(shard.readBigUInt64LE(0));
  t.is(server.sentOf(SHARD), headerBytes + matrix.length);
  t.is(server.sentOf(OTHER_SHARD), 0);
  const ranges = server
    .seenOf(SHARD)
    .map(({ range }) => /bytes=(\d+)-(\d+)/.exec(range!)!.slice(1).map(Number));
  const covered = ranges.toSorted((a, b) => a[0]! - b[0]!);
  t.deepEqual(covered.slice(0, 2), [
    [0, 7],
    [8, headerBytes - 1],
  ]);
  t.is(covered[2]![0], shard.length - matrix.length);
  for (let i = 3; i < covered.length; i++) t.is(covered[i]![0], covered[i - 1]![1]! + 1);
  t.is(covered.at(-1)![1], shard.length - 1);
  t.log(`${server.sentOf(SHARD)} of ${shard.length} bytes of the shard, in ${ranges.length} requests`);

  const tokenizer = server.files.get('tokenizer.json')!.content.length;
  t.is(planned, matrix.length + tokenizer);
  t.is(received, planned);
  t.deepEqual(readdirSync(checkpoint.path).sort(), [
    'config.json',
    'model.safetensors.index.json',
    'tokenizer.json',
  ]);
});

test('a second use downloads nothing, offline or not', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  const first = await obtain(settings);
  const before = server.seen.length;
  const again = await obtain(settings);
  t.is(again.planned, 0);
  t.deepEqual(again.checkpoint, first.checkpoint);
  // The revision alone is asked for: a branch may have moved.
  t.deepEqual(
    server.seen.slice(before).map(({ path }) => path),
    ['/api/models/some/model/revision/main'],
  );
  const offline = { ...settings, offline: true };
  t.deepEqual((await obtain(offline)).checkpoint, first.checkpoint);
  t.deepEqual((await obtain(offline, `some/model@${COMMIT}`)).checkpoint, first.checkpoint);
  t.is(server.seen.length, before + 1);
});

realModelTest('a real model runs from the hub, and is verified without a cache', async (t, directory) => {
  const server = await HubServer.start(t, directory, 'karpathy/stories260k');
  const hub = server.settings(t);
  const notes: string[] = [];
  const flags = { hub, notes };
  const fromHub = await runHere({ model: 'karpathy/stories260k', out: scratchDirectory(t) }, flags);
  t.like(fromHub.manifest.model, {
    name: 'karpathy/stories260k',
    path: `karpathy/stories260k@${COMMIT}`,
    revision: COMMIT,
    tensor: 'model.embed_tokens.weight',
    origin: {
      repository: 'karpathy/stories260k',
      commit: COMMIT,
      file: 'model.safetensors',
      byteRange: { begin: 128, end: 131_200 },
      from: server.endpoint,
    },
  });
  // The same commit where the hub's own clients put it.
  const snapshot = hubSnapshot(hub, 'karpathy/stories260k');
  for (const name of readdirSync(directory)) symlinkSync(join(directory, name), join(snapshot, name));
  const before = server.sentOf('model.safetensors');
  const fromSnapshot = await runHere(
    { model: `karpathy/stories260k@${COMMIT}`, out: scratchDirectory(t) },
    flags,
  );
  t.is(server.sentOf('model.safetensors'), before);
  t.is(fromSnapshot.manifest.fingerprint, fromHub.manifest.fingerprint);
  t.is(fromSnapshot.manifest.model.origin?.from, snapshot);
  t.deepEqual(fromSnapshot.manifest.partitions, fromHub.manifest.partitions);

  rmSync(hub.cache, { recursive: true });
  rmSync(snapshot, { recursive: true });
  const environment = { HF_ENDPOINT: server.endpoint, HF_HOME: hub.cache, EIGENSHARD_CACHE: hub.cache };
  const verified = await start(['verify', fromHub.directory], environment).ended;
  t.is(verified.code, 0, verified.stderr);
  t.regex(verified.stderr, /download: .* s, 13\d\.\d\d kB, .*B\/s/);
});

/** An empty snapshot of the commit in the hub's own cache. */
function hubSnapshot(settings: HubSettings, repository: string): string {
  const model = join(settings.hubCache, `models--${repository.replace('/', '--')}`);
  const snapshot = join(model, 'snapshots', COMMIT);
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(join(model, 'refs'), { recursive: true });
  writeFileSync(join(model, 'refs', 'main'), COMMIT);
  return snapshot;
}

test("the hub's own cache is used offline with the one shard that is needed, and not without it", async (t) => {
  const { server } = await shardedHub(t);
  const settings = { ...server.settings(t), offline: true };
  const snapshot = hubSnapshot(settings, 'some/model');
  const put = (name: string) => writeFileSync(join(snapshot, name), server.files.get(name)!.content);
  for (const name of ['config.json', 'model.safetensors.index.json', OTHER_SHARD]) put(name);
  await t.throwsAsync(obtain(settings), {
    instanceOf: InputError,
    message: /not in the cache, and HF_HUB_OFFLINE/,
  });
  mkdirSync(join(snapshot, '../../refs/pr'));
  await t.throwsAsync(obtain(settings, 'some/model@pr'), {
    instanceOf: InputError,
    message: /^some\/model@pr: is not in the cache/,
  });
  put(SHARD);
  rmSync(join(snapshot, OTHER_SHARD));
  const { checkpoint } = await obtain(settings);
  t.is(checkpoint.source.file, join(snapshot, SHARD));
  t.is(checkpoint.model.revision, COMMIT);
  t.is(server.seen.length, 0);
});

test("the hub's own cache is not used for the tokenizer's rows where it has no tokenizer", async (t) => {
  const { server } = await shardedHub(t);
  const tokenizer = { model: { vocab: { a: 0, b: 1 } } };
  server.files.set('tokenizer.json', servedFile(Buffer.from(JSON.stringify(tokenizer)), false));
  const settings = server.settings(t);
  const snapshot = hubSnapshot(settings, 'some/model');
  for (const name of ['config.json', 'model.safetensors.index.json', SHARD]) {
    writeFileSync(join(snapshot, name), server.files.get(name)!.content);
  }
  const plan = await planModel('some/model', { hub: settings, rows: 'tokenizer' });
  const { source } = await plan.fetch(() => {});
  t.is(source.rows, 2);
  t.false(source.file.startsWith(snapshot));
});

test('overload, refusals that pass, and cut connections cost a retry and no byte twice', async (t) => {
  const { server, model } = await shardedHub(t);
  const statuses = [429, 500, 502, 503, 504];
  server.fault = ({ origin, path }, before) => {
    if (origin === 'hub') return before === 0 ? { status: 503, headers: { 'retry-after': '0' } } : null;
    if (!path.startsWith('/blob/')) return null;
    if (before < statuses.length) return { status: statuses[before]! };
    // Each piece comes in bits of 1, 3,333 and all that is left.
    return before % 3 === 0 ? { cutAfter: 1 } : before % 3 === 1 ? { cutAfter: 3333 } : null;
  };
  const settings = server.settings(t);
  settings.retry = { ...settings.retry, attempts: 7 };
  const { checkpoint } = await obtain(settings);
  const matrix = matrixOf(server, model);
  t.true(readFileSync(checkpoint.source.file).equals(matrix));
  const shard = server.files.get(SHARD)!.content;
  t.is(server.sentOf(SHARD), 8 + Number(shard.readBigUInt64LE(0)) + matrix.length);
});

test('a server that only fails is given up with what it says, and what came is kept', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  server.fault = ({ range }) =>
    range?.startsWith('bytes=0-') || range?.startsWith('bytes=8-') ? null : range ? { status: 503 } : null;
  await t.throwsAsync(obtain(settings), {
    instanceOf: RunError,
    message: /^downloading some\/model@.*: given up after 4 attempts: 127.0.0.1:\d+ answers 503 .*is kept$/,
  });
  server.fault = () => null;
  await t.notThrowsAsync(obtain(settings));
});

test('a connection on which nothing comes any more is left, and goes on elsewhere at its byte', async (t) => {
  const { server, model } = await shardedHub(t);
  const settings = server.settings(t);
  settings.download = { ...settings.download, stallSeconds: 0.2 };
  server.fault = ({ origin }, before) => (origin === 'cdn' && before === 4 ? { stallAfter: 1000 } : null);
  const { checkpoint } = await obtain(settings);
  t.true(readFileSync(checkpoint.source.file).equals(matrixOf(server, model)));
  t.is(server.seenOf(SHARD).filter(({ sent }) => sent === 1000).length, 1);
});

const changes: readonly (readonly [string, Fault, 'hub' | 'cdn', RegExp])[] = [
  [
    'another commit',
    { headers: { 'x-repo-commit': 'f'.repeat(40) } },
    'hub',
    /its commit was 0123.* and is now ffff/,
  ],
  [
    'another hash',
    { headers: { 'x-linked-etag': `"${'a'.repeat(64)}"` } },
    'hub',
    /its hash was .* and is now aaaa/,
  ],
  ['another ETag', { headers: { etag: '"other"' } }, 'cdn', /its ETag was "cdn-.*" and is now "other"/],
  [
    'another size',
    { headers: { 'content-range': 'bytes 0-9/10' } },
    'cdn',
    /asked for bytes .*, got bytes 0-9\/10/,
  ],
  ['no such range', { status: 416 }, 'cdn', /it has no bytes/],
  [
    'too many bytes',
    { content: (content) => Buffer.concat([content, content]) },
    'cdn',
    /sends more than bytes/,
  ],
];
for (const [what, fault, origin, message] of changes) {
  test(`a file that changes between two ranges is noticed: ${what}`, async (t) => {
    const { server } = await shardedHub(t);
    // The header's two requests and two pieces are answered as they should be.
    let ranges = 0;
    server.fault = (request) => {
      const isRange = request.range !== null && request.origin === origin;
      return isRange && ++ranges > 4 ? fault : null;
    };
    const settings = server.settings(t);
    await t.throwsAsync(obtain(settings), { instanceOf: RunError, message });
    server.fault = () => null;
    const { checkpoint } = await obtain(settings);
    t.true(existsSync(checkpoint.source.file));
  });
}

test('a server without byte ranges is refused before it sends everything', async (t) => {
  const { server } = await shardedHub(t);
  server.fault = ({ origin }) => (origin === 'cdn' ? { ignoreRange: true } : null);
  await t.throwsAsync(obtain(server.settings(t)), {
    instanceOf: RunError,
    message: /does not serve byte ranges/,
  });
});

test('a server that knows ranges but no If-Range is asked without', async (t) => {
  const { server, model } = await shardedHub(t);
  server.fault = ({ origin }) => (origin === 'cdn' ? { ignoreIfRange: true } : null);
  const { checkpoint } = await obtain(server.settings(t));
  t.true(readFileSync(checkpoint.source.file).equals(matrixOf(server, model)));
});

test('bodies that are shorter than their range go on where they end, again and again', async (t) => {
  const { server, model } = await shardedHub(t);
  server.fault = ({ origin }) =>
    origin === 'cdn' ? { content: (content) => content.subarray(0, 4000) } : null;
  const { checkpoint } = await obtain(server.settings(t));
  t.true(readFileSync(checkpoint.source.file).equals(matrixOf(server, model)));
});

test('a small file with a wrong byte is downloaded again, and refused when it stays wrong', async (t) => {
  const { server } = await shardedHub(t);
  const flip = (content: Buffer) => Buffer.from(content).fill(0x20, 3, 4);
  server.fault = ({ path }, before) =>
    path.endsWith('/config.json') && before < 2 ? { content: flip } : null;
  await t.notThrowsAsync(obtain(server.settings(t)));
  server.fault = ({ path }) => (path.endsWith('/tokenizer.json') ? { content: flip } : null);
  await t.throwsAsync(obtain(server.settings(t)), {
    instanceOf: RunError,
    message: /tokenizer.json: given up after 4 attempts: its content has the hash/,
  });
});

test('a configuration larger than memory is refused before it is downloaded', async (t) => {
  const { server } = await shardedHub(t);
  const listed = [...server.files].map(([path, { content, sha256 }]) => {
    const size = path === 'config.json' ? 2 ** 40 : content.length;
    return { type: 'file', path, size, oid: '0'.repeat(40), lfs: { oid: sha256, size, pointerSize: 134 } };
  });
  server.fault = ({ path }) => (path.includes('paths-info') ? { page: JSON.stringify(listed) } : null);
  await t.throwsAsync(obtain(server.settings(t)), {
    instanceOf: InputError,
    message: /config.json: has 1099511627776 bytes, at most 268435456 were expected/,
  });
  t.is(server.seenOf('config.json').length, 0);
});

test('the token goes to the endpoint alone, and is neither printed nor stored', async (t) => {
  const { server } = await shardedHub(t);
  server.token = 'hf_very_secret';
  const settings = { ...server.settings(t), token: new Token('hf_very_secret') };
  const notes: string[] = [];
  await obtain(settings, 'some/model', notes);
  for (const { origin, authorization } of server.seen) {
    t.is(authorization, origin === 'hub' ? 'Bearer hf_very_secret' : null);
  }
  t.true(server.seen.some(({ origin }) => origin === 'cdn'));

  const home = scratchDirectory(t);
  const out = join(home, 'out');
  const environment = { ...server.environment(home), HF_TOKEN: 'hf_very_secret' };
  const run = await start(['--model', 'some/model', '--out', out, '--json'], environment).ended;
  t.is(run.code, 0, run.stderr);
  const refused = { ...environment, HF_TOKEN: 'hf_wrong_secret' };
  const failed = await start(['--model', 'some/other', '--out', join(home, 'other')], refused).ended;
  t.is(failed.code, 2);
  const stored = readdirSync(home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  t.true(stored.length > 5);
  for (const text of [
    ...stored,
    run.stdout,
    run.stderr,
    failed.stdout,
    failed.stderr,
    JSON.stringify(settings),
    ...notes,
  ]) {
    t.false(/very_secret|wrong_secret/.test(text));
  }
});

test('what the hub refuses is one message with what to do', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  const refused = async (reference: string, message: RegExp, changes: Partial<HubSettings> = {}) => {
    const error = await t.throwsAsync(obtain({ ...settings, ...changes }, reference), {
      instanceOf: InputError,
      message,
    });
    t.false(error.message.includes('\n'));
  };
  await refused('some/other', /there is no model some\/other at http:.*nor a file or directory.*\(404\)/);
  await refused('some/model@v9', /some\/model has no revision v9; its branches and tags are at/);
  await refused('some/model@v9', /is not in the cache, and HF_HUB_OFFLINE/, { offline: true });
  server.token = 'hf_right';
  await refused(
    'some/model',
    /this model is gated.*accept its conditions at .* then give an access token as HF_TOKEN/,
  );
  await refused('some/model', /this model is gated.*with the account of the token/, {
    token: new Token('hf_wrong'),
  });
  server.fault = () => ({ status: 401 });
  await refused(
    'some/model',
    /no model.*If it is private or gated, give an access token as HF_TOKEN \(401\)/,
  );
  await refused('some/model', /that the token \(HF_TOKEN\) is valid/, { token: new Token('hf_wrong') });
  server.fault = () => null;
  server.token = null;
  server.files.delete('model.safetensors.index.json');
  await refused('some/model', /has neither model.safetensors nor model.safetensors.index.json/);
});

test('no network is one message with what to do', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  // A port on which nobody listens: this server's own, closed again.
  const closed = await HubServer.start(t, scratchDirectory(t));
  closed.stop();
  const refused = (endpoint: string, message: RegExp) =>
    t.throwsAsync(obtain({ ...settings, endpoint }), { instanceOf: RunError, message });
  await refused(closed.endpoint, /nothing answers there \(ECONNREFUSED\); check the network and HF_ENDPOINT/);
  await refused('http://hub.invalid', /\((ENOTFOUND|EAI_AGAIN)\); check the network .* HF_HUB_OFFLINE=1/);
});

test('a repository that was renamed is found under its old name', async (t) => {
  const { server, model } = await shardedHub(t);
  server.fault = ({ path }) =>
    path.includes('old/name')
      ? { status: 307, headers: { location: path.replace('old/name', 'some/model') } }
      : null;
  const { checkpoint } = await obtain(server.settings(t), 'old/name');
  t.true(readFileSync(checkpoint.source.file).equals(matrixOf(server, model)));
});

test('what is no hub is refused: a page in the place of an answer, redirects without end or to a file', async (t) => {
  const { server } = await shardedHub(t);
  const refused = (message: RegExp) =>
    t.throwsAsync(obtain(server.settings(t)), { instanceOf: RunError, message });
  server.fault = ({ path }) => (path.includes('revision') ? { page: '<html>log in</html>' } : null);
  await refused(/does not tell what was asked; is HF_ENDPOINT a hub, or a mirror of one/);
  server.fault = ({ path }) => (path.includes('revision') ? { page: '{"sha": "../../x"}' } : null);
  await refused(/does not tell a commit/);
  server.fault = ({ path }) => ({ status: 302, headers: { location: path } });
  await refused(/redirects more than 10 times/);
  server.fault = () => ({ status: 302, headers: { location: 'file:///etc/passwd' } });
  await refused(/redirects to an address that is not/);
});

test('a path that is there is local whatever it looks like, and what is neither path nor reference is an error', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  const missing = join(scratchDirectory(t), 'missing');
  await t.throwsAsync(obtain(settings, missing), { message: /there is no such file or directory/ });
  await t.throwsAsync(obtain(settings, 'one-word'), { message: /there is no such file or directory/ });
  await t.throwsAsync(obtain(settings, 'test/input'), { message: /config.json/ });
  t.is(server.seen.length, 0);
});

test('a tensor in the cache that was damaged is noticed, downloaded again, and offline refused', async (t) => {
  const { server, model } = await shardedHub(t);
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
  t.true(readFileSync(file).equals(matrixOf(server, model)));
  writeFileSync(join(checkpoint.path, 'config.json'), '{}');
  t.is((await obtain(settings)).checkpoint.model.hiddenSize, 32);
});

test('another commit with the same weights downloads its small files alone', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  await obtain(settings);
  const before = server.sentOf(SHARD);
  const next = 'f'.repeat(40);
  server.revisions.set('main', next);
  server.files.set('config.json', servedFile(Buffer.from('{"hidden_size": 32, "vocab_size": 9}'), false));
  const { checkpoint, planned } = await obtain(settings);
  t.is(checkpoint.model.revision, next);
  t.is(checkpoint.model.vocabSize, 9);
  t.is(server.sentOf(SHARD), before);
  t.is(planned, server.files.get('tokenizer.json')!.content.length);
});

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

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(5);
}

test('a process that is killed during a download goes on at the byte where it stopped', async (t) => {
  const { server, model } = await shardedHub(t);
  const home = scratchDirectory(t);
  const environment = server.environment(home);
  // In the default pieces, the matrix is one: three quarters of it come, then nothing more.
  const matrix = matrixOf(server, model);
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
  const { server, model } = await shardedHub(t);
  const home = scratchDirectory(t);
  const environment = server.environment(home);
  const runs = ['a', 'b', 'c'].map((out) =>
    start(['--model', 'some/model', '--out', join(home, out), '--workers', '1', '--quiet'], environment),
  );
  for (const { code, stderr } of await Promise.all(runs.map(({ ended }) => ended))) t.is(code, 0, stderr);
  const matrix = matrixOf(server, model);
  const ranged = server.seenOf(SHARD).filter(({ sent }) => sent > 1000);
  t.is(
    ranged.reduce((sum, { sent }) => sum + sent, 0),
    matrix.length,
  );
});

test('two plans in one process download once', async (t) => {
  const { server, model } = await shardedHub(t);
  const settings = server.settings(t);
  const both = await Promise.all([obtain(settings), obtain(settings)]);
  t.deepEqual(both[0].checkpoint, both[1].checkpoint);
  const pieces = server.seenOf(SHARD).filter(({ sent }) => sent >= 1000);
  t.is(
    pieces.reduce((sum, { sent }) => sum + sent, 0),
    matrixOf(server, model).length,
  );
});

test('an aborted download stops at once and keeps what it has', async (t) => {
  const { server, model } = await shardedHub(t);
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
  t.true(planned < matrixOf(server, model).length);
  t.true(readFileSync(checkpoint.source.file).equals(matrixOf(server, model)));
});

test('cache list and cache prune show and remove what is not in use', async (t) => {
  const { server } = await shardedHub(t);
  const home = scratchDirectory(t);
  const environment = server.environment(home);
  const cache = async (...args: string[]) => {
    const { code, stdout, stderr } = await start(['cache', ...args], environment).ended;
    t.is(code, 0, stderr);
    return stdout;
  };
  t.regex(await cache('list'), /cache: 0 B of 20.00 GB/);
  const run = await start(['--model', 'some/model', '--out', join(home, 'out')], environment).ended;
  t.is(run.code, 0, run.stderr);
  const listed = await cache('list');
  t.regex(listed, /some\/model@0123456789ab .*config.json, .*tokenizer.json/);
  t.regex(listed, /some\/model weights [0-9a-f]{12} .*lm_head.weight/);
  t.false(listed.includes('in use'));
  const lock = Lock.create(cacheLock(join(home, 'cache')))!;
  const waiting = start(['cache', 'list', '--json'], environment);
  waiting.process.stderr!.once('data', () => lock.release());
  const { stdout, stderr } = await waiting.ended;
  t.regex(stderr, /waiting for process/);
  t.is(JSON.parse(stdout).length, 2);
  t.regex(await cache('prune', '--older-than', '1'), /removed 0 B/);
  t.regex(await cache('prune', '--max-size', '10kB'), /removed some\/model weights/);
  t.regex(await cache('prune', '--all'), /removed some\/model@/);
  t.deepEqual(readdirSync(join(home, 'cache')), []);
  const both = await start(['cache', 'prune', '--all', '--max-size', '1GB'], environment).ended;
  t.is(both.code, 2);
  t.regex(both.stderr, /exclude each other/);
  t.is((await eigenshard('cache', 'prune', '--max-size', 'much')).code, 2);
});
