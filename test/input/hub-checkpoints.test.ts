import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { hubModelText } from '../../src/commands/run-text.js';
import { InputError } from '../../src/errors.js';
import { inspectHubModel } from '../../src/input/inspect-model.js';
import { planModel } from '../../src/input/plan-model.js';
import { openTokenizer } from '../../src/input/tokenizer/open-tokenizer.js';
import { checkpointDirectory, matrix } from '../helpers/checkpoints.js';
import { safetensors, scratchDirectory } from '../helpers/fixtures.js';
import { HubServer } from '../helpers/hub-server.js';

const HEAD = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';

/** What is found on a hub that serves this directory, and the first byte of the matrix that is downloaded. */
async function fromHub(t: ExecutionContext, directory: string) {
  const server = await HubServer.start(t, directory);
  const plan = await planModel('some/model', { hub: server.settings(t) });
  const checkpoint = await plan.fetch(() => {});
  const [fill] = readFileSync(checkpoint.source.file);
  return { server, plan, checkpoint, tensor: checkpoint.source.tensor, fill };
}

test('a configuration with words of Python for numbers is read from the hub', async (t) => {
  const directory = checkpointDirectory(t, { single: [matrix(HEAD, 4, 5)] });
  writeFileSync(join(directory, 'config.json'), '{"hidden_size": 3, "a": [0.0, Infinity, -Infinity, NaN]}');
  t.like(await fromHub(t, directory), { tensor: HEAD, fill: 5 });
});

test("Mistral's own format is read from the hub, in one file and in shards, with its tokens", async (t) => {
  const tekken = {
    config: { default_vocab_size: 4, default_num_special_tokens: 1 },
    vocab: ['a', 'b', 'c'].map((text, rank) => ({ rank, token_bytes: Buffer.from(text).toString('base64') })),
  };
  const of = (files: Record<string, Uint8Array | string>) => {
    const directory = scratchDirectory(t);
    const params = { dim: 3, vocab_size: 4, tied_embeddings: false };
    const all = { 'params.json': JSON.stringify(params), 'tekken.json': JSON.stringify(tekken), ...files };
    for (const [name, content] of Object.entries(all)) writeFileSync(join(directory, name), content);
    return directory;
  };
  const single = safetensors([matrix('tok_embeddings.weight'), matrix('output.weight', 4, 7)]);
  const one = await fromHub(t, of({ 'consolidated.safetensors': single }));
  t.like(one, { tensor: 'output.weight', fill: 7 });
  t.deepEqual(readdirSync(one.checkpoint.path).sort(), ['params.json', 'tekken.json']);
  t.is((await openTokenizer(one.checkpoint.path))?.text(2), 'b');
  const [a, b] = ['consolidated-00001-of-00002.safetensors', 'consolidated-00002-of-00002.safetensors'];
  const map = { 'tok_embeddings.weight': a, 'output.weight': b };
  const shards = await fromHub(
    t,
    of({
      [a]: safetensors([matrix('tok_embeddings.weight')]),
      [b]: safetensors([matrix('output.weight', 4, 8)]),
      'consolidated.safetensors.index.json': JSON.stringify({ weight_map: map }),
    }),
  );
  t.like(shards, { tensor: 'output.weight', fill: 8 });
  t.is(shards.server.sentOf(a), 0);
});

test('a tied head that an index of the hub lists and no shard holds is passed over', async (t) => {
  const directory = checkpointDirectory(t, {
    config: { hidden_size: 3, tie_word_embeddings: true },
    shards: { 'a.safetensors': [matrix('x')], 'b.safetensors': [matrix(EMBEDDING, 4, 6)] },
    index: { [HEAD]: 'a.safetensors' },
  });
  const { plan, ...found } = await fromHub(t, directory);
  t.like(found, { tensor: EMBEDDING, fill: 6 });
  t.regex(plan.notes.join(), /the index lists lm_head.weight, which no file holds/);
});

test('a head that is called tied is taken from the hub, and nothing is downloaded to compare it', async (t) => {
  const directory = checkpointDirectory(t, {
    config: { hidden_size: 3, tie_word_embeddings: true },
    shards: { 'a.safetensors': [matrix(EMBEDDING)], 'b.safetensors': [matrix(HEAD, 4, 6)] },
  });
  const server = await HubServer.start(t, directory);
  const inspection = await inspectHubModel('some/model', { hub: server.settings(t) });
  t.is(inspection.shape.tensor, HEAD);
  t.regex(inspection.notes.join(), /embeddings are tied, and both .* whether they differ was not compared/);
  t.regex(hubModelText(inspection), /\n {2}note: config.json says that the embeddings are tied/);
  t.is(server.sentOf('a.safetensors'), 0);
});

test('a quantised head of the hub is refused before anything of it is downloaded', async (t) => {
  const packed = { name: 'lm_head.qweight', dtype: 'I32', shape: [1, 3], data: new Uint8Array(12) };
  const server = await HubServer.start(t, checkpointDirectory(t, { single: [packed, matrix(EMBEDDING)] }));
  await t.throwsAsync(planModel('some/model', { hub: server.settings(t) }), {
    instanceOf: InputError,
    message: /unembedding lm_head is there, but not as a matrix/,
  });
});

test('what a former version has asked the hub is enough for one that is offline', async (t) => {
  const directory = checkpointDirectory(t, { single: [matrix(HEAD, 4, 5)] });
  const server = await HubServer.start(t, directory);
  const hub = server.settings(t);
  await (await planModel('some/model', { hub })).fetch(() => {});
  // It asked for fewer names.
  const listings = readdirSync(hub.cache, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(hub.cache, name))
    .filter((file) => readFileSync(file, 'utf8').includes('eigenshard-hub-listing'));
  t.is(listings.length, 1);
  const listing = JSON.parse(readFileSync(listings[0]!, 'utf8'));
  for (const name of ['params.json', 'tekken.json', 'consolidated.safetensors']) delete listing.files[name];
  writeFileSync(listings[0]!, JSON.stringify(listing));
  const plan = await planModel('some/model', { hub: { ...hub, offline: true } });
  t.is(plan.bytesToDownload, 0);
});
