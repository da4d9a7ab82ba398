import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { foldSource } from '../../src/input/norm/fold-source.js';
import { planModel } from '../../src/input/plan-model.js';
import { start } from '../helpers/cli.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { hubSnapshot, OTHER_SHARD, obtain, SHARD, shardedHub } from '../helpers/hub-models.js';
import { COMMIT, HubServer, servedFile } from '../helpers/hub-server.js';
import { runHere } from '../helpers/runs.js';
import { realModelTest } from '../helpers/shared-models.js';

test('of a sharded model its header and its one tensor are downloaded, and no other byte of its weights', async (t) => {
  const { server, matrix } = await shardedHub(t);
  const { checkpoint, planned, received } = await obtain(server.settings(t));
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

test('of a norm that is to be folded its bytes are downloaded beside the matrix, once', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  const wish = { isFolded: true, rule: 'rms-one-plus' } as const;
  const plain = await planModel('some/model', { hub: settings });
  const plan = await planModel('some/model', { hub: settings, wish });
  t.is(plan.bytesToDownload - plain.bytesToDownload, 64);
  let received = 0;
  const checkpoint = await plan.fetch((bytes) => {
    received += bytes;
  });
  t.is(received, plan.bytesToDownload);
  t.is(checkpoint.finalNorm?.weight.tensor, 'model.norm.weight');
  const { fold } = (await foldSource(checkpoint.source, checkpoint.finalNorm)).source;
  t.deepEqual(fold?.factors, new Float64Array(32).fill(1));
  const offline = await planModel('some/model', { hub: { ...settings, offline: true }, wish });
  t.is(offline.bytesToDownload, 0);
  t.deepEqual(await offline.fetch(() => {}), checkpoint);
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
    message:
      /^some\/model@pr: there is no such file or directory, and as a model of the hub: .*: is not in the cache/,
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

test('a path that is there is local whatever it looks like, and what is neither path nor reference is an error', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  const missing = join(scratchDirectory(t), 'missing');
  await t.throwsAsync(obtain(settings, missing), { message: /there is no such file or directory/ });
  await t.throwsAsync(obtain(settings, 'one-word'), { message: /there is no such file or directory/ });
  await t.throwsAsync(obtain(settings, 'test/input'), { message: /config.json/ });
  t.is(server.seen.length, 0);
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
