import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type ProcessIdentity, thisProcess } from '../../src/files/process-identity.js';
import { type CacheItem, chooseToPrune, listCache, pruneCache } from '../../src/hub/cache-items.js';
import { CacheLayout } from '../../src/hub/cache-layout.js';
import { planModel } from '../../src/input/model-plan.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { HubServer } from '../helpers/hub-server.js';
import { holdLock } from '../helpers/lock-holder.js';
import { shardedModel } from '../helpers/runs.js';

const context = { note: () => {} };

function item(id: string, bytes: number, day: number, inUse = false): CacheItem {
  return {
    repository: 'a/b',
    kind: 'weights',
    id,
    holds: [],
    bytes,
    lastUsed: new Date(day * 86_400_000),
    inUse,
  };
}

test('what was not used for longest goes first, and what is in use stays', (t) => {
  const items = [item('new', 10, 9), item('used', 30, 1, true), item('old', 20, 2), item('older', 5, 1)];
  const chosen = (rule: Parameters<typeof chooseToPrune>[1]) =>
    chooseToPrune(items, rule, 10 * 86_400_000).map(({ id }) => id);
  t.deepEqual(chosen({ atMostBytes: 65 }), []);
  t.deepEqual(chosen({ atMostBytes: 64 }), ['older']);
  t.deepEqual(chosen({ atMostBytes: 59 }), ['older', 'old']);
  t.deepEqual(chosen({ atMostBytes: 0 }), ['older', 'old', 'new']);
  t.deepEqual(chosen({ olderThanDays: 5 }), ['old', 'older']);
  t.deepEqual(chosen({ all: true }), ['new', 'old', 'older']);
});

/** A cache with weights of 100 bytes for each name, used on the days 1, 2, ... */
function cacheWith(t: ExecutionContext, ...names: string[]): string {
  const cache = scratchDirectory(t);
  for (const [index, name] of names.entries()) {
    const directory = new CacheLayout(cache, name).weights('ab'.repeat(32));
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, '0-100.partial'), new Uint8Array(100));
    const day = new Date((index + 1) * 86_400_000);
    utimesSync(directory, day, day);
  }
  return cache;
}

test('a model that a living process uses is not pruned, and that of a dead one is', async (t) => {
  const cache = cacheWith(t, 'a/living', 'a/dead', 'a/foreign', 'a/silent');
  const markOf = (name: string) => {
    const { inUse } = new CacheLayout(cache, name);
    mkdirSync(inUse, { recursive: true });
    return join(inUse, 'mark');
  };
  const mark = (name: string, changes: Partial<ProcessIdentity>) => {
    writeFileSync(markOf(name), `${JSON.stringify({ ...thisProcess, ...changes })}\n0000000000\n`);
    return markOf(name);
  };
  await holdLock(t, markOf('a/living'), 'process.stdin.resume();');
  mark('a/dead', { pid: spawnSync(process.execPath, ['-e', '']).pid });
  mark('a/foreign', { host: 'another-machine' });
  // A day and an hour after its last beat.
  const longAgo = new Date(Date.now() - 25 * 3_600_000);
  utimesSync(mark('a/silent', { host: 'another-machine' }), longAgo, longAgo);
  const removed = await pruneCache(cache, { all: true }, context);
  t.deepEqual(removed.map(({ repository }) => repository).sort(), ['a/dead', 'a/silent']);
  t.deepEqual(readdirSync(cache).sort(), ['models--a--foreign', 'models--a--living']);
});

test('only what eigenshard puts there is listed and removed', async (t) => {
  const cache = cacheWith(t, 'a/b');
  const { model } = new CacheLayout(cache, 'c/d');
  // As the hub's own clients lay a model out.
  const foreign = [join(model, 'snapshots', 'a'.repeat(40)), join(model, 'blobs'), join(cache, 'mine')];
  for (const directory of foreign) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'file'), 'x');
  }
  t.deepEqual(
    (await listCache(cache, context)).map(({ repository }) => repository),
    ['a/b'],
  );
  await pruneCache(cache, { all: true }, context);
  for (const directory of foreign) t.true(existsSync(join(directory, 'file')));
  t.false(existsSync(new CacheLayout(cache, 'a/b').model));
});

test('a cache that is not there is empty', async (t) => {
  const missing = join(scratchDirectory(t), 'missing');
  t.deepEqual(await listCache(missing, context), []);
  t.deepEqual(await pruneCache(missing, { all: true }, context), []);
  t.false(existsSync(missing));
});

test('a download makes room in a full cache', async (t) => {
  const server = await HubServer.start(t, shardedModel(t, 1500, 32).directory);
  const cache = cacheWith(t, 'a/old', 'a/older');
  const notes: string[] = [];
  const hub = server.settings(t, { cache, cacheBytes: 96_500 });
  const plan = await planModel('some/model', { hub, note: (line) => notes.push(line) });
  await plan.fetch(() => {});
  t.regex(
    notes.join('\n'),
    /^cache: removed a\/old, 100 B, to stay within 96.50 kB\ncache: removed a\/older/,
  );
  const left = await listCache(cache, context);
  t.deepEqual([...new Set(left.map(({ repository }) => repository))], ['some/model']);
  // This process uses them.
  t.true(left.every(({ inUse }) => inUse));
});
