import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../../src/errors.js';
import { openCheckpoint } from '../../../src/input/open-checkpoint.js';
import { checkpointDirectory, found, matrix } from '../../helpers/checkpoints.js';
import {
  type FixtureTensor,
  safetensors,
  safetensorsOf,
  scratchDirectory,
  scratchFile,
} from '../../helpers/fixtures.js';

const HEAD = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';

/** A tensor of a quantised layer. */
const packed = (name: string, dtype = 'I32'): FixtureTensor => ({
  name,
  dtype,
  shape: [2, 4],
  data: new Uint8Array(dtype === 'U8' ? 8 : 32),
});

const refused = async (t: ExecutionContext, path: string, message: RegExp, tensor?: string) => {
  const error = await t.throwsAsync(openCheckpoint(path, tensor === undefined ? {} : { tensor }), {
    instanceOf: InputError,
    message,
  });
  return error.message;
};

for (const parts of [
  ['lm_head.qweight', 'lm_head.scales'],
  ['lm_head.weight_packed', 'lm_head.weight_scale'],
]) {
  for (const tied of [undefined, true, false]) {
    test(`a head that is stored as ${parts[0]} is refused, with embeddings called tied ${tied}`, async (t) => {
      const config = { hidden_size: 3, ...(tied === undefined ? {} : { tie_word_embeddings: tied }) };
      const single = [matrix(EMBEDDING), ...parts.map((name) => packed(name))];
      const path = checkpointDirectory(t, { config, single });
      const message = await refused(
        t,
        path,
        /unembedding lm_head is there, but not as a matrix: .* quantised/,
      );
      for (const part of parts) t.true(message.includes(part));
      t.false(message.includes(EMBEDDING), 'no advice to take another matrix');
      t.is((await found(path, EMBEDDING)).fill, 1);
    });
  }
}

for (const dtype of ['U8', 'I8', 'F8_E4M3', 'U32']) {
  test(`a head of the dtype ${dtype} is refused, though an embedding is there`, async (t) => {
    const bytes = dtype === 'U32' ? 4 : 1;
    const head = { name: HEAD, dtype, shape: [4, 3], data: new Uint8Array(12 * bytes) };
    const path = checkpointDirectory(t, {
      config: { hidden_size: 3, tie_word_embeddings: true },
      single: [matrix(EMBEDDING), head],
    });
    await refused(t, path, new RegExp(`${HEAD} has the dtype ${dtype}, expected .* before it was quantised`));
  });
}

test('an empty head is refused, with where its weights are, and its embedding is not taken', async (t) => {
  const empty = { name: HEAD, dtype: 'BF16', shape: [0], data: new Uint8Array(0) };
  const config = { hidden_size: 3, tie_word_embeddings: true };
  const path = checkpointDirectory(t, { config, single: [empty, matrix(EMBEDDING)] });
  await refused(t, path, /lm_head.weight is empty \(0\): the gathered weights are elsewhere, .*ZeRO-3/);
});

test('a head that is stored transposed is called so', async (t) => {
  const head = { name: HEAD, dtype: 'BF16', shape: [3, 8], data: new Uint8Array(48) };
  const transposed = /is 3 x 8, but config.json says .*: it is stored transposed.*tensor.T.contiguous\(\)/;
  for (const config of [{ hidden_size: 3 }, { vocab_size: 8 }]) {
    await refused(t, checkpointDirectory(t, { config, single: [head] }), transposed);
  }
});

test("the text section's words count before those around it", async (t) => {
  const single = [matrix(EMBEDDING)];
  const text = { hidden_size: 3, vocab_size: 4 };
  const top = { hidden_size: 8, vocab_size: 9, tie_word_embeddings: false };
  for (const section of ['text_config', 'llm_config', 'language_config', 'decoder']) {
    const config = { ...top, [section]: { ...text, tie_word_embeddings: true } };
    t.deepEqual((await found(checkpointDirectory(t, { config, single }))).notes, []);
  }
  // What the section leaves out is what the top says.
  await refused(t, checkpointDirectory(t, { config: { ...top, text_config: text }, single }), /not tied/);
  const untied = { ...text, tie_word_embeddings: false };
  const stale = { ...top, tie_word_embeddings: true, text_config: untied };
  await refused(t, checkpointDirectory(t, { config: stale, single }), /not tied/);
});

test('a section may be within another, as that of Qwen-Omni', async (t) => {
  const text = { hidden_size: 3, vocab_size: 4, tie_word_embeddings: false };
  const config = {
    thinker_config: { text_config: text },
    talker_config: { text_config: { hidden_size: 8 } },
  };
  const other = { name: 'talker.codec_head.weight', dtype: 'BF16', shape: [2, 8], data: new Uint8Array(32) };
  const single = [other, matrix('thinker.model.embed_tokens.weight'), matrix('thinker.lm_head.weight', 4, 2)];
  const { tensor, notes } = await found(checkpointDirectory(t, { config, single }));
  t.is(tensor, 'thinker.lm_head.weight');
  t.deepEqual(notes, []);
  const wide = { name: 'thinker.lm_head.weight', dtype: 'BF16', shape: [4, 8], data: new Uint8Array(64) };
  await refused(
    t,
    checkpointDirectory(t, { config, single: [wide] }),
    /4 x 8, but config.json says hidden size 3/,
  );
});

for (const key of [
  'tie_word_embeddings',
  'tie_embeddings',
  'share_input_output_layers',
  'tied_embeddings',
  'weight_tying',
]) {
  test(`${key} says whether embeddings are tied`, async (t) => {
    const single = [matrix(EMBEDDING)];
    const of = (value: unknown) =>
      checkpointDirectory(t, { config: { hidden_size: 3, [key]: value }, single });
    t.deepEqual((await found(of(true))).notes, []);
    await refused(t, of(false), /config.json says that the embeddings are not tied/);
    t.regex((await found(of(null))).notes.join(), /nothing says whether the embeddings are tied/);
  });
}

test('a head that is called tied and differs is taken, and that is said', async (t) => {
  const single = [matrix(EMBEDDING, 4, 1), matrix(HEAD, 4, 2)];
  const config = { hidden_size: 3, tie_word_embeddings: true };
  const { fill, notes } = await found(checkpointDirectory(t, { config, single }));
  t.is(fill, 2);
  t.deepEqual(notes, [
    `config.json says that the embeddings are tied, but ${HEAD} and ${EMBEDDING} differ (all 4 rows compared): ` +
      `${HEAD} is taken as it is stored`,
  ]);
});

test('a head that is called untied and equals the embedding is said to', async (t) => {
  const config = { hidden_size: 3, tie_word_embeddings: false };
  const shards = { 'a.safetensors': [matrix(EMBEDDING)], 'b.safetensors': [matrix(HEAD)] };
  const { notes } = await found(checkpointDirectory(t, { config, shards }));
  t.regex(notes.join(), /says that the embeddings are not tied, but .* are equal \(all 4 rows compared\)/);
});

test('heads that are what the configuration says are taken without a note', async (t) => {
  const notesOf = async (tied: boolean, embedding: FixtureTensor) => {
    const config = { hidden_size: 3, tie_word_embeddings: tied };
    return (await found(checkpointDirectory(t, { config, single: [embedding, matrix(HEAD)] }))).notes;
  };
  t.deepEqual(await notesOf(true, matrix(EMBEDDING)), []);
  t.deepEqual(await notesOf(false, matrix(EMBEDDING, 4, 2)), []);
  t.deepEqual(await notesOf(false, matrix(EMBEDDING, 5)), []);
  t.regex((await notesOf(true, matrix(EMBEDDING, 5))).join(), /tied, but .* are 4 x 3 and 5 x 3/);
  const packedEmbedding = { ...matrix(EMBEDDING), dtype: 'I16' };
  t.regex((await notesOf(true, packedEmbedding)).join(), /whether they differ was not compared/);
});

test('a tensor that the user names is taken, with what speaks against it', async (t) => {
  const config = { hidden_size: 3, tie_word_embeddings: false };
  const path = checkpointDirectory(t, { config, single: [matrix(EMBEDDING, 5, 1), matrix(HEAD)] });
  const { tensor, reason, notes } = await found(path, EMBEDDING);
  t.is(tensor, EMBEDDING);
  t.is(reason, 'named by --tensor');
  t.regex(notes.join(), /not tied: model.embed_tokens.weight is not what the model unembeds with/);
});

test('a tied head that an index lists and no shard holds is passed over, with a note', async (t) => {
  const of = (config: object, shard: FixtureTensor[]) =>
    checkpointDirectory(t, {
      config,
      shards: { 'a.safetensors': shard },
      index: { [HEAD]: 'a.safetensors' },
    });
  const tied = { hidden_size: 3, tie_word_embeddings: true };
  const path = of(tied, [matrix('x'), matrix(EMBEDDING, 4, 5)]);
  const { fill, notes, others } = await found(path);
  t.is(fill, 5);
  t.regex(notes.join(), /the index lists lm_head.weight, which no file holds/);
  t.deepEqual(others, []);
  // Other candidates that are not there are no hindrance.
  t.is((await found(path, 'x')).fill, 1);
  await refused(
    t,
    of({ hidden_size: 3 }, [matrix(EMBEDDING)]),
    /says that tensor lm_head.weight is in this file/,
  );
});

test('an entry that only keeps the name of a tied head is no head', async (t) => {
  const path = scratchDirectory(t);
  const embedding = { dtype: 'BF16', shape: [4, 3], data_offsets: [0, 24] };
  const head = { dtype: '', shape: [], data_offsets: [0, 0] };
  writeFileSync(join(path, 'config.json'), '{"hidden_size": 3, "tie_word_embeddings": true}');
  const bytes = safetensorsOf({ [HEAD]: head, [EMBEDDING]: embedding }, new Uint8Array(24).fill(6));
  writeFileSync(join(path, 'model.safetensors'), bytes);
  t.like(await found(path), { tensor: EMBEDDING, fill: 6 });
});

test('of a quantised file beside shards the shard with the matrix is named', async (t) => {
  const shards = { 'a.safetensors': [matrix(EMBEDDING)], 'b.safetensors': [matrix(HEAD, 4, 7)] };
  for (const single of [[packed(HEAD, 'U32')], [packed('lm_head.weight_packed')]]) {
    const path = checkpointDirectory(t, { single, shards });
    await refused(
      t,
      path,
      /quantised \(.*\), but by model.safetensors.index.json the shard b.safetensors beside it/,
    );
    t.is((await found(join(path, 'b.safetensors'))).fill, 7);
  }
  const { fill, notes } = await found(checkpointDirectory(t, { single: [matrix(HEAD, 4, 8)], shards }));
  t.is(fill, 8);
  t.regex(
    notes.join(),
    /model.safetensors is read, .* the shards of model.safetensors.index.json beside it are not/,
  );
});

/** A directory in Mistral's own format. */
function ownFormat(t: ExecutionContext, params: object, files: Record<string, FixtureTensor[]>): string {
  const path = scratchDirectory(t);
  writeFileSync(join(path, 'params.json'), JSON.stringify(params));
  for (const [name, tensors] of Object.entries(files)) writeFileSync(join(path, name), safetensors(tensors));
  return path;
}

test("Mistral's own format is read, in one file and in shards", async (t) => {
  const params = { dim: 3, vocab_size: 4, tied_embeddings: true };
  const tied = ownFormat(t, params, { 'consolidated.safetensors': [matrix('tok_embeddings.weight', 4, 5)] });
  t.like(await found(tied), { tensor: 'tok_embeddings.weight', fill: 5, notes: [] });
  t.like((await openCheckpoint(tied)).model, { tied: true, hiddenSize: 3, vocabSize: 4 });
  const names = ['consolidated-00001-of-00002.safetensors', 'consolidated-00002-of-00002.safetensors'];
  const shards = ownFormat(
    t,
    { ...params, tied_embeddings: false },
    { [names[0]!]: [matrix('tok_embeddings.weight')], [names[1]!]: [matrix('output.weight', 4, 6)] },
  );
  const map = { 'tok_embeddings.weight': names[0], 'output.weight': names[1] };
  writeFileSync(join(shards, 'consolidated.safetensors.index.json'), JSON.stringify({ weight_map: map }));
  t.like(await found(shards), { tensor: 'output.weight', fill: 6, notes: [] });
});

test('a matrix whose rows are a fraction of those that are said to be there is a part', async (t) => {
  const head = { 'consolidated.safetensors': [matrix('output.weight')] };
  await refused(t, ownFormat(t, { dim: 3, vocab_size: 8 }, head), /4 x 3, one part of 2 .*\(8 rows are said/);
  // Llama 1 and 2 say -1, and the embedding is split by columns where the head is by rows.
  const narrow = { name: 'tok_embeddings.weight', dtype: 'BF16', shape: [12, 1], data: new Uint8Array(24) };
  const split = { 'consolidated.safetensors': [matrix('output.weight'), narrow] };
  await refused(
    t,
    ownFormat(t, { dim: 3, vocab_size: -1 }, split),
    /4 x 3, one part of 3 .*\(12 rows are said/,
  );
  const whole = { 'consolidated.safetensors': [matrix('output.weight'), matrix('tok_embeddings.weight')] };
  t.is((await found(ownFormat(t, { dim: 3, vocab_size: -1 }, whole))).tensor, 'output.weight');
});

test('a head with fewer rows than the vocabulary is passed over for one with all of them', async (t) => {
  const config = { hidden_size: 3, vocab_size: 8 };
  for (const name of ['head.weight', 'output.weight']) {
    const single = [
      matrix(name, 2, 1),
      matrix('base_model.model.lm_head.weight', 8, 2),
      matrix(EMBEDDING, 8, 3),
    ];
    const { fill, notes } = await found(checkpointDirectory(t, { config, single }));
    t.is(fill, 2);
    t.regex(
      notes.join(),
      new RegExp(`${name} has 2 rows, fewer than the vocab_size 8 of config.json: it is passed`),
    );
  }
});

test('a head that may be of a classifier is refused beside an embedding of the vocabulary', async (t) => {
  for (const tied of [true, null]) {
    const config = { hidden_size: 3, vocab_size: 8, tie_word_embeddings: tied };
    const path = checkpointDirectory(t, {
      config,
      single: [matrix('head.weight', 2), matrix(EMBEDDING, 8, 3)],
    });
    await refused(t, path, /head.weight has 2 rows, .* --tensor model.embed_tokens.weight/);
    t.is((await found(path, EMBEDDING)).fill, 3);
    t.is((await found(path, 'head.weight')).fill, 1);
  }
});

test('a matrix of half the vocabulary is refused unless it is named', async (t) => {
  const config = { hidden_size: 3, vocab_size: 8 };
  const path = checkpointDirectory(t, { config, single: [matrix(HEAD), matrix(EMBEDDING)] });
  await refused(t, path, /4 x 3, holds fewer rows than the vocabulary, .* one part of several, or cut/);
  const { notes } = await found(path, HEAD);
  t.deepEqual(notes, ['tensor lm_head.weight has 4 rows, config.json says vocab_size 8']);
});

test('a byte order mark before the configuration is passed over', async (t) => {
  const files = { 'config.json': '\ufeff{"hidden_size": 3, "vocab_size": 4}' };
  const { tensor } = await found(checkpointDirectory(t, { single: [matrix(HEAD)], files }));
  t.is(tensor, HEAD);
});

test("a classifier's head beside an embedding is refused, also where nothing says how large the vocabulary is", async (t) => {
  for (const [name, rows] of [
    ['head.weight', 3],
    ['output.weight', 5],
    ['head.weight', 9],
  ] as const) {
    const single = [matrix(name, rows), matrix('embed.weight', 8, 2)];
    const path = checkpointDirectory(t, { single });
    const message = new RegExp(
      `${name} has ${rows} rows, but there are 8 tokens by embed.weight, the size of the embedding embed.weight: ` +
        'it may be the head of a classifier; .* --tensor embed.weight',
    );
    await refused(t, path, message);
    await refused(t, scratchFile(t, 'bare.safetensors', safetensors(single)), message);
    t.is((await found(path, 'embed.weight')).fill, 2);
    t.is((await found(path, name)).fill, 1);
  }
  const whole = checkpointDirectory(t, { single: [matrix('head.weight', 8), matrix('embed.weight', 8, 2)] });
  t.is((await found(whole)).fill, 1);
});

test('a head of at most half the rows of its embedding is a part, or cut', async (t) => {
  const single = [matrix(HEAD, 4), matrix(EMBEDDING, 9, 2)];
  const message =
    /4 x 3, holds fewer rows than the vocabulary, as there are 9 tokens by model.embed_tokens.weight/;
  await refused(t, checkpointDirectory(t, { single }), message);
  await refused(t, scratchFile(t, 'bare.safetensors', safetensors(single)), message);
  t.is((await found(checkpointDirectory(t, { single: [matrix(HEAD, 5), matrix(EMBEDDING, 9, 2)] }))).fill, 1);
});

test('a head that is stored transposed is called so, not a part of as many as fit', async (t) => {
  const head = { ...matrix(HEAD, 3), shape: [3, 6], data: new Uint8Array(36) };
  const path = checkpointDirectory(t, { single: [head, matrix(EMBEDDING, 6)] });
  await refused(
    t,
    path,
    /lm_head.weight is 3 x 6, but config.json says hidden size 3: it is stored transposed/,
  );
});

test('an embedding is not taken where shards beside its file, or the file itself, hold an unembedding', async (t) => {
  const shards = { 'a.safetensors': [matrix(EMBEDDING)], 'b.safetensors': [matrix(HEAD, 4, 2)] };
  const single = [matrix(EMBEDDING)];
  const beside = checkpointDirectory(t, { single, shards });
  await refused(
    t,
    beside,
    /holds model.embed_tokens.weight and no unembedding, but by model.safetensors.index.json the shard b.safetensors/,
  );
  t.is((await found(beside, EMBEDDING)).fill, 1);
  t.is((await found(join(beside, 'b.safetensors'))).fill, 2);
  const tied = checkpointDirectory(t, {
    config: { hidden_size: 3, tie_word_embeddings: true },
    single,
    shards,
  });
  t.is((await found(tied)).fill, 1);

  for (const tie of [true, null]) {
    const config = { hidden_size: 3, tie_word_embeddings: tie };
    const unlisted = checkpointDirectory(t, { config, shards: { 'a.safetensors': single } });
    writeFileSync(join(unlisted, 'a.safetensors'), safetensors([...single, matrix(HEAD, 4, 2)]));
    await refused(
      t,
      unlisted,
      /a.safetensors: holds the unembedding lm_head.weight, which .* index does not list/,
    );
    t.is((await found(join(unlisted, 'a.safetensors'))).fill, 2);
  }
});

test('names of tensors and shards put no line into a message, and nothing that acts on a terminal', async (t) => {
  const evil = 'x\neigenshard: all is well\u001b[2J.weight';
  const unknown = checkpointDirectory(t, { single: [matrix(evil), matrix(`lm_head.${evil}`)] });
  for (const path of [unknown, checkpointDirectory(t, { single: [matrix(evil), matrix('y')] })]) {
    const message = await refused(t, path, /x\\neigenshard: all is well\\u\{1b\}\[2J\.weight/);
    t.false(message.includes('\n') || message.includes('\u001b'));
  }
  const index = { [evil]: 'a\nb.safetensors' };
  const sharded = checkpointDirectory(t, { shards: { 'a.safetensors': [matrix(HEAD)] }, index });
  t.false(/\n/.test(await refused(t, sharded, /expected the name of a file in the same directory/)));
});
