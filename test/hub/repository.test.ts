import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { InputError, RunError } from '../../src/errors.js';
import { obtain, SHARD, shardedHub } from '../helpers/hub-models.js';
import { COMMIT, type Fault, type HubServer, type Seen } from '../helpers/hub-server.js';

/** A question that mirrors do not know. */
type Question = 'expand' | 'revision' | 'paths-info' | 'tree';

/** A hub that answers some questions with a status, and says nothing more. */
async function mirror(
  t: ExecutionContext,
  unknown: Partial<Record<Question, number>>,
): Promise<{ server: HubServer; matrix: Buffer }> {
  const { server, matrix } = await shardedHub(t);
  server.fault = (request) => {
    const status = unknown[questionOf(request) ?? 'tree'];
    return questionOf(request) === null || status === undefined ? null : { status };
  };
  return { server, matrix };
}

function questionOf({ path, query }: Seen): Question | null {
  const [, kind] = /^\/api\/models\/some\/model\/(revision|paths-info|tree)\//.exec(path) ?? [];
  return kind === 'revision' && query.includes('expand')
    ? 'expand'
    : ((kind as Question | undefined) ?? null);
}

const all = { expand: 404, revision: 404, 'paths-info': 404, tree: 404 } as const;

for (const [name, unknown] of [
  ['no expand (as Artifactory)', { expand: 404 }],
  ['no paths-info (as Nexus)', { 'paths-info': 400 }],
  ['no POST at all', { 'paths-info': 405 }],
  ['POST forbidden', { 'paths-info': 403 }],
  ['no revision info', { expand: 400, revision: 404 }],
  ['neither paths-info nor tree', { 'paths-info': 404, tree: 404 }],
  ['nothing but files', all],
] as const) {
  test(`a model comes from a mirror that knows ${name}`, async (t) => {
    const { server, matrix } = await mirror(t, unknown);
    const settings = server.settings(t);
    const { checkpoint, planned } = await obtain(settings);
    t.is(checkpoint.model.revision, COMMIT);
    t.true(readFileSync(checkpoint.source.file).equals(matrix));
    t.is(planned, matrix.length + server.files.get('tokenizer.json')!.content.length);
    // No byte more than of the hub itself.
    const shard = server.files.get(SHARD)!.content;
    t.is(server.sentOf(SHARD), 8 + Number(shard.readBigUInt64LE(0)) + matrix.length);
    const again = await obtain(settings);
    t.is(again.planned, 0);
    t.deepEqual(again.checkpoint, checkpoint);
  });
}

test('the content of files is not asked for where their headers are', async (t) => {
  const { server } = await mirror(t, all);
  await obtain(server.settings(t));
  const heads = server.seen.filter(({ method }) => method === 'HEAD');
  t.true(heads.every(({ origin, sent }) => origin === 'hub' && sent === 0));
  t.true(heads.some(({ path }) => path === `/some/model/resolve/main/config.json`));
});

test('a revision is asked for by its name, and a commit by itself', async (t) => {
  const { server } = await mirror(t, all);
  const branch = 'e'.repeat(40);
  server.revisions.set('refs/pr/1', branch);
  t.is((await obtain(server.settings(t), 'some/model@refs/pr/1')).checkpoint.model.revision, branch);
  t.is((await obtain(server.settings(t), `some/model@${COMMIT}`)).checkpoint.model.revision, COMMIT);
});

test('a mirror with ETags of its own serves files that are checked all the same', async (t) => {
  const { server, matrix } = await shardedHub(t);
  const own = (seen: Seen): Fault | null =>
    seen.origin === 'hub' && seen.path.includes('/resolve/')
      ? { headers: { etag: `"${'ab'.repeat(20)}"` } }
      : null;
  server.fault = own;
  const { checkpoint } = await obtain(server.settings(t));
  t.true(readFileSync(checkpoint.source.file).equals(matrix));
  const flip = (content: Buffer) => Buffer.from(content).fill(0x20, 3, 4);
  server.fault = (seen) =>
    own(seen) && seen.path.endsWith('/config.json') ? { ...own(seen), content: flip } : own(seen);
  await t.throwsAsync(obtain(server.settings(t)), {
    instanceOf: RunError,
    message: /its content has the hash/,
  });
});

test('a mirror that does not have a model is not said to know that there is none', async (t) => {
  const { server } = await shardedHub(t);
  server.fault = () => ({ status: 404 });
  const error = await t.throwsAsync(obtain(server.settings(t)), { instanceOf: InputError });
  t.false(error!.message.includes('there is no model'));
  t.regex(
    error!.message,
    /does not have it \(404\); check the spelling of owner\/name, and where HF_ENDPOINT is a mirror/,
  );
});

test('what the hub itself says of a model, or of access to it, is asked for once', async (t) => {
  const { server } = await shardedHub(t);
  await t.throwsAsync(obtain(server.settings(t), 'some/other'), { message: /there is no model some\/other/ });
  t.is(server.seen.length, 1);
  server.fault = () => ({ status: 401 });
  await t.throwsAsync(obtain(server.settings(t)), { message: /refuses access \(401\)/ });
  t.is(server.seen.length, 2);
});

test('a list of files without an end is given up', async (t) => {
  const { server } = await shardedHub(t);
  const next = { link: `<${server.endpoint}/api/models/some/model/tree/${COMMIT}?cursor=0>; rel="next"` };
  server.fault = (request) => {
    const question = questionOf(request);
    if (question === 'paths-info') return { status: 404 };
    return question === 'tree' ? { page: '[]', headers: next } : null;
  };
  // The headers of the files are asked for in its place.
  const { checkpoint } = await obtain(server.settings(t));
  t.is(checkpoint.model.revision, COMMIT);
  // Once for the small files, once for the shard.
  t.is(server.seen.filter((request) => questionOf(request) === 'tree').length, 2 * 100);
});
