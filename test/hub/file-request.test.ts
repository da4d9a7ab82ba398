import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { RunError } from '../../src/errors.js';
import { planModel } from '../../src/input/plan-model.js';
import { obtain, SHARD, shardedHub } from '../helpers/hub-models.js';
import type { Fault, Seen } from '../helpers/hub-server.js';

test('overload, refusals that pass, and cut connections cost a retry and no byte twice', async (t) => {
  const { server, matrix } = await shardedHub(t);
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
  const { server, matrix } = await shardedHub(t);
  const settings = server.settings(t);
  // On a busy machine other answers, too, may be silent for so long: they are asked for again, however often it takes.
  settings.download = { ...settings.download, stallSeconds: 0.2 };
  settings.retry = { ...settings.retry, attempts: Number.POSITIVE_INFINITY };
  const matrixBegin = server.files.get(SHARD)!.content.length - matrix.length;
  let hasStalled = false;
  server.fault = ({ origin, range }) => {
    if (origin !== 'cdn' || hasStalled || !range?.startsWith(`bytes=${matrixBegin}-`)) return null;
    hasStalled = true;
    return { stallAfter: 1000 };
  };
  const { checkpoint } = await obtain(settings);
  t.true(readFileSync(checkpoint.source.file).equals(matrix));
  t.is(server.seenOf(SHARD).filter(({ sent }) => sent === 1000).length, 1);
});

for (const [what, isDripping] of [
  ['an answer about a model', ({ path }: Seen) => path.startsWith('/api/')],
  ['a small file', ({ path, method }: Seen) => method === 'GET' && path.endsWith('/config.json')],
  ['a range', ({ origin, range }: Seen) => origin === 'cdn' && range !== null],
] as const) {
  test(`a server that sends a byte now and then, for ever, is given up: ${what}`, async (t) => {
    const { server } = await shardedHub(t);
    const settings = server.settings(t);
    settings.download = { ...settings.download, stallSeconds: 0.2 };
    server.fault = (request) => (isDripping(request) ? { dripMilliseconds: 5 } : null);
    await t.throwsAsync(obtain(settings), {
      instanceOf: RunError,
      message: /given up after 4 attempts: 127.0.0.1:\d+: (nothing|no more than \d+ bytes) came for 0\.2 s/,
    });
  });
}

test('a range that the server says it does not have is asked for once more', async (t) => {
  const { server, matrix } = await shardedHub(t);
  const refused = new Set<string>();
  server.fault = ({ origin, range }) => {
    if (origin !== 'cdn' || range === null || refused.has(range)) return null;
    refused.add(range);
    return { status: 416 };
  };
  const { checkpoint } = await obtain(server.settings(t));
  t.true(readFileSync(checkpoint.source.file).equals(matrix));
  t.is(refused.size, server.seenOf(SHARD).length / 2);
});

test('a file that the server says is shorter than its range is not asked for again', async (t) => {
  const { server } = await shardedHub(t);
  server.fault = ({ origin, range }) =>
    origin === 'cdn' && range !== null ? { status: 416, headers: { 'content-range': 'bytes */3' } } : null;
  await t.throwsAsync(obtain(server.settings(t)), {
    instanceOf: RunError,
    message: /it has no bytes 0 to 7/,
  });
  t.is(server.seenOf(SHARD).length, 1);
});

test('the wait that a limit of requests asks for is waited, and told', async (t) => {
  const { server } = await shardedHub(t);
  const settings = server.settings(t);
  settings.retry = { ...settings.retry, longestSeconds: 300 };
  server.fault = () => ({
    status: 429,
    headers: { ratelimit: '"api";r=0;t=55', 'ratelimit-policy': '"api";q=500' },
  });
  const stop = new AbortController();
  const notes: string[] = [];
  const note = (line: string) => {
    notes.push(line);
    stop.abort();
  };
  await t.throwsAsync(planModel('some/model', { hub: settings, note, signal: stop.signal }), {
    name: 'AbortError',
  });
  t.regex(notes.join(), /answers 429 Too Many Requests; trying again in (5[5-9]|6[01]) s$/);
  t.is(server.seen.length, 1);
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
  const { server, matrix } = await shardedHub(t);
  server.fault = ({ origin }) => (origin === 'cdn' ? { ignoreIfRange: true } : null);
  const { checkpoint } = await obtain(server.settings(t));
  t.true(readFileSync(checkpoint.source.file).equals(matrix));
});

test('bodies that are shorter than their range go on where they end, again and again', async (t) => {
  const { server, matrix } = await shardedHub(t);
  server.fault = ({ origin }) =>
    origin === 'cdn' ? { content: (content) => content.subarray(0, 4000) } : null;
  const { checkpoint } = await obtain(server.settings(t));
  t.true(readFileSync(checkpoint.source.file).equals(matrix));
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
