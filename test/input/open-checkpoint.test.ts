import { mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../src/errors.js';
import { embeddingNames, unembeddingNames } from '../../src/input/matrix/tensor-names.js';
import { explainCheckpoint, openCheckpoint } from '../../src/input/open-checkpoint.js';
import { openRows } from '../../src/input/rows.js';
import { checkpointDirectory, found, matrix } from '../helpers/checkpoints.js';
import {
  type FixtureStateTensor,
  type FixtureTensor,
  float32Bytes,
  npy,
  op,
  safetensors,
  scratchDirectory,
  scratchFile,
  stateDict,
  torchFile,
} from '../helpers/fixtures.js';
import { realModelTest } from '../helpers/shared-models.js';

const firstByte = async (path: string, tensor?: string) => (await found(path, tensor)).fill;

const refused = (t: ExecutionContext, path: string, message: RegExp, tensor?: string) =>
  t.throwsAsync(openCheckpoint(path, tensor === undefined ? {} : { tensor }), {
    instanceOf: InputError,
    message,
  });

test('a directory with one file gives the matrix and what the config says', async (t) => {
  const config = { model_type: 'llama', hidden_size: 3, vocab_size: 4, tie_word_embeddings: false };
  const path = checkpointDirectory(t, { config, single: [matrix('x'), matrix('lm_head.weight')] });
  const checkpoint = await openCheckpoint(path);
  t.like(checkpoint, {
    path,
    source: {
      file: join(path, 'model.safetensors'),
      rows: 4,
      columns: 3,
      dtype: 'bfloat16',
      tensor: 'lm_head.weight',
    },
    model: { modelType: 'llama', tied: false, hiddenSize: 3, vocabSize: 4, revision: null },
    notes: [],
  });
  t.deepEqual(structuredClone(checkpoint), checkpoint);
});

test('in shards, the matrix is found in the shard that the index names', async (t) => {
  const path = checkpointDirectory(t, {
    shards: {
      'model-00001-of-00002.safetensors': [matrix('model.embed_tokens.weight', 4, 1), matrix('a')],
      'model-00002-of-00002.safetensors': [matrix('b'), matrix('lm_head.weight', 4, 2)],
    },
  });
  t.is(await firstByte(path), 2);
  t.is(await firstByte(path, 'model.embed_tokens.weight'), 1);
});

test('known names are taken in their order, an explicit one before all', async (t) => {
  const names = [...unembeddingNames, ...embeddingNames];
  const tensors = names.map((name, index) => matrix(name, 4, index));
  for (const [index] of names.entries()) {
    // The file order is the reverse: only the list's order may count.
    const path = checkpointDirectory(t, { single: tensors.slice(index).reverse() });
    t.is(await firstByte(path), index);
  }
  t.is(await firstByte(checkpointDirectory(t, { single: tensors }), names.at(-1)), names.length - 1);
});

test('embeddings that are not tied are not taken for the unembedding matrix', async (t) => {
  const config = { hidden_size: 3, tie_word_embeddings: false };
  const path = checkpointDirectory(t, { config, single: [matrix('model.embed_tokens.weight')] });
  await refused(t, path, /not tied, but there is no lm_head.weight.*--tensor model.embed_tokens.weight/);
  t.is(await firstByte(path, 'model.embed_tokens.weight'), 1);
});

test('sections within sections without end cost nothing, and the sixteenth is the last that speaks', async (t) => {
  let config: object = { vocab_size: 9, text_config: { vocab_size: 5 } };
  for (let depth = 0; depth < 2000; depth++) config = { text_config: config };
  const path = checkpointDirectory(t, {
    config: { ...config, hidden_size: 3, vocab_size: 4 },
    single: [matrix('lm_head.weight')],
  });
  const { model } = await openCheckpoint(path);
  t.deepEqual([model.hiddenSize, model.vocabSize], [3, 4]);
});

test('a multimodal config keeps its numbers in a section', async (t) => {
  const text = { hidden_size: 3, vocab_size: 5, tie_word_embeddings: true, model_type: 'inner' };
  const config = { model_type: 'outer', text_config: text };
  const path = checkpointDirectory(t, {
    config,
    single: [matrix('model.language_model.embed_tokens.weight')],
  });
  const { model, notes } = await openCheckpoint(path);
  t.like(model, { modelType: 'outer', hiddenSize: 3, vocabSize: 5, tied: true });
  t.regex(notes.join(), /has 4 rows, config.json says vocab_size 5$/);
});

test("a snapshot of the hub's cache is named after its repository, and its links are followed", async (t) => {
  const cache = join(scratchDirectory(t), 'models--Qwen--Qwen3-4B');
  const snapshot = join(cache, 'snapshots', 'abc123');
  mkdirSync(snapshot, { recursive: true });
  mkdirSync(join(cache, 'blobs'));
  const link = (name: string, bytes: string | Uint8Array) => {
    writeFileSync(join(cache, 'blobs', name), bytes);
    symlinkSync(join('../../blobs', name), join(snapshot, name));
  };
  link('config.json', '{"hidden_size": 3}');
  link('a.safetensors', safetensors([matrix('lm_head.weight', 4, 9)]));
  link('model.safetensors.index.json', '{"weight_map": {"lm_head.weight": "a.safetensors"}}');
  t.is(await firstByte(snapshot), 9);
  t.like((await openCheckpoint(`${snapshot}/`)).model, { name: 'Qwen/Qwen3-4B', revision: 'abc123' });

  rmSync(join(cache, 'blobs', 'a.safetensors'));
  await refused(t, snapshot, /1 of 1 shards named in .* are missing: a.safetensors/);
});

for (const shard of [
  '/etc/passwd',
  '../a.safetensors',
  'x/../../a.safetensors',
  'a\\b',
  'C:a',
  '',
  '.',
  'a\0b',
  7,
  null,
]) {
  test(`an index that names the shard ${JSON.stringify(shard)} is refused`, async (t) => {
    const path = checkpointDirectory(t, { shards: {}, index: { 'lm_head.weight': shard } });
    await refused(
      t,
      path,
      /tensor lm_head.weight is in .*, expected the name of a file in the same directory/,
    );
  });
}

test('a shard in a linked directory that leads out is refused, in a directory below it is not', async (t) => {
  const path = checkpointDirectory(t, { shards: {}, index: { 'lm_head.weight': 'sub/a.safetensors' } });
  const outside = scratchDirectory(t);
  writeFileSync(join(outside, 'a.safetensors'), safetensors([matrix('lm_head.weight')]));
  symlinkSync(outside, join(path, 'sub'));
  await refused(t, path, /outside of the checkpoint's directory/);
  unlinkSync(join(path, 'sub'));
  mkdirSync(join(path, 'sub'));
  writeFileSync(join(path, 'sub', 'a.safetensors'), safetensors([matrix('lm_head.weight', 4, 3)]));
  t.is(await firstByte(path), 3);
});

test('missing shards are all named', async (t) => {
  const path = checkpointDirectory(t, {
    shards: { 'a.safetensors': [matrix('lm_head.weight')] },
    index: { x: 'b.safetensors', y: 'c.safetensors', z: 'b.safetensors' },
  });
  await refused(t, path, /2 of 3 shards named in .* are missing: b.safetensors, c.safetensors;/);
});

test('a tensor that its shard does not hold is named with the shard', async (t) => {
  const path = checkpointDirectory(t, {
    shards: { 'a.safetensors': [matrix('x')] },
    index: { 'lm_head.weight': 'a.safetensors' },
  });
  await refused(t, path, /a.safetensors: .* says that tensor lm_head.weight is in this file, but it is not/);
});

test('where no name is known, the matrices are listed, largest first', async (t) => {
  const path = checkpointDirectory(t, {
    shards: { 'a.safetensors': [matrix('small', 2)], 'b.safetensors': [matrix('large', 8)] },
  });
  const list = /name one with --tensor, of: large \(8 x 3, BF16\), small \(2 x 3, BF16\)/;
  await refused(t, path, new RegExp(`no unembedding matrix under a known name; ${list.source}`));
  await refused(t, path, new RegExp(`no tensor none; ${list.source}`), 'none');
});

test('dtypes and shapes that do not fit are refused', async (t) => {
  const refusedTensor = (change: Partial<FixtureTensor>, message: RegExp) =>
    refused(t, checkpointDirectory(t, { single: [{ ...matrix('lm_head.weight'), ...change }] }), message);
  await refusedTensor(
    { dtype: 'I16' },
    /dtype I16, expected bfloat16, float16 or float32; give the checkpoint before/,
  );
  await refusedTensor({ dtype: 'F64', data: new Uint8Array(96) }, /dtype F64.*convert it to float32/);
  await refusedTensor({ shape: [12] }, /is 12, expected a matrix/);
  await refusedTensor({ shape: [4, 3, 1] }, /is 4 x 3 x 1, expected a matrix/);
  await refusedTensor(
    { shape: [0, 3], data: new Uint8Array(0) },
    /is empty \(0 x 3\): the gathered weights are elsewhere/,
  );
  await refusedTensor({ shape: [3, 4] }, /is 3 x 4, but config.json says hidden size 3/);
});

test('directories that are no checkpoint are refused with what is missing', async (t) => {
  const empty = scratchDirectory(t);
  await refused(
    t,
    empty,
    /holds no checkpoint \(no config.json nor params.json\); give the directory of one/,
  );
  writeFileSync(join(empty, 'config.json'), '[1]');
  await refused(t, empty, /expected the checkpoint's configuration as a JSON object/);
  writeFileSync(join(empty, 'config.json'), '{"a": 1');
  await refused(t, empty, /config.json: not valid JSON/);
  writeFileSync(join(empty, 'config.json'), '{}');
  await refused(
    t,
    empty,
    /expected one of model.safetensors, model.safetensors.index.json, pytorch_model.bin, .*, found none/,
  );
  writeFileSync(join(empty, 'model.safetensors.index.json'), '{}');
  await refused(t, empty, /expected an object weight_map/);
  await refused(t, join(empty, 'none'), /none: cannot read the checkpoint: there is no such file/);
});

test('a name without an owner is answered with how the hub calls it', async (t) => {
  const missing = /there is no such file or directory.*no owner in this name: /;
  await refused(t, 'gpt2', new RegExp(`${missing.source}the model of the hub is openai-community/gpt2$`));
  await refused(t, 'gpt2-xl@v1', /the model of the hub is openai-community\/gpt2-xl@v1$/);
  await refused(t, 'distilgpt2', /the model of the hub is distilbert\/distilgpt2$/);
  await refused(t, 'one-word', /a model of the hub is given as owner\/name, as openai-community\/gpt2$/);
  for (const path of ['./gpt2', 'a/gpt2', '/gpt2', 'constructor/x']) {
    const error = await t.throwsAsync(openCheckpoint(path), { instanceOf: InputError });
    t.false(error.message.includes('hub'), path);
  }
});

test('a directory without a configuration says which of its files may be given', async (t) => {
  const directory = scratchDirectory(t);
  for (const name of ['ckpt.pt', 'notes.txt']) writeFileSync(join(directory, name), '');
  await refused(
    t,
    directory,
    /no checkpoint \(no config.json nor params.json\); .* or a file of weights, as ckpt.pt$/,
  );
});

test('a bare safetensors file gives the known name, or its only matrix, or asks', async (t) => {
  const write = (...tensors: FixtureTensor[]) => scratchFile(t, 'tiny.safetensors', safetensors(tensors));
  t.is(await firstByte(write(matrix('x'), matrix('lm_head.weight', 4, 2))), 2);
  t.is(await firstByte(write(matrix('x', 4, 3))), 3);
  t.is((await openCheckpoint(write(matrix('x')))).model.name, 'tiny');
  await refused(t, write(matrix('x'), matrix('y')), /name one with --tensor, of: x/);
});

test('a bare .npy file is taken in C order and float16 or float32', async (t) => {
  const write = (bytes: Buffer) => scratchFile(t, 'tiny.npy', bytes);
  const { source } = await openCheckpoint(write(npy('<f4', [2, 3], new Uint8Array(24))));
  t.like(source, { rows: 2, columns: 3, dtype: 'float32', tensor: null });
  const fortran = npy('<f4', [2, 3], new Uint8Array(24), { fortranOrder: true });
  await refused(t, write(fortran), /Fortran order.*numpy.ascontiguousarray/);
  await refused(
    t,
    write(npy('<f8', [2, 3], new Uint8Array(48))),
    /float64, expected .*; convert it to float32/,
  );
  await refused(t, write(npy('<f4', [2, 3], new Uint8Array(24))), /one array without a name/, 'x');
});

/** A float32 matrix of 4 x 3 whose rows are filled with `fill`. */
function floats(name: string, fill = 1): FixtureStateTensor {
  return { name, shape: [4, 3], data: float32Bytes(Array<number>(12).fill(fill)) };
}

/** The first element of the first row of a float32 matrix. */
async function firstFloat(path: string, tensor?: string): Promise<number> {
  const { source } = await openCheckpoint(path, tensor === undefined ? {} : { tensor });
  const into = new Uint8Array(source.columns * 4);
  const reader = openRows(source);
  reader.read(0, 1, into);
  reader.close();
  return new DataView(into.buffer).getFloat32(0, true);
}

test('pytorch_model.bin gives the matrix where it lies in the archive', async (t) => {
  const path = checkpointDirectory(t, { config: { hidden_size: 3, tie_word_embeddings: true } });
  const bin = join(path, 'pytorch_model.bin');
  writeFileSync(bin, stateDict([floats('h.0.weight', 5), floats('wte.weight', 2)]));
  const { source } = await openCheckpoint(path);
  t.like(source, { file: bin, rows: 4, columns: 3, dtype: 'float32', tensor: 'wte.weight' });
  t.is(source.byteOffset % 64, 0);
  t.is(await firstFloat(path), 2);
  t.is(await firstFloat(path, 'h.0.weight'), 5);
});

test('a sharded pytorch_model.bin is read by its index', async (t) => {
  const path = checkpointDirectory(t, {});
  writeFileSync(join(path, 'pytorch_model-00001-of-00002.bin'), stateDict([floats('a', 1)]));
  writeFileSync(join(path, 'pytorch_model-00002-of-00002.bin'), stateDict([floats('embed_out.weight', 7)]));
  const map = {
    a: 'pytorch_model-00001-of-00002.bin',
    'embed_out.weight': 'pytorch_model-00002-of-00002.bin',
  };
  writeFileSync(join(path, 'pytorch_model.bin.index.json'), JSON.stringify({ weight_map: map }));
  t.is(await firstFloat(path), 7);
  rmSync(join(path, 'pytorch_model-00001-of-00002.bin'));
  await refused(t, path, /1 of 2 shards named in pytorch_model.bin.index.json are missing/);
});

test('safetensors are preferred to pytorch_model.bin, as in transformers', async (t) => {
  const path = checkpointDirectory(t, { shards: { 'a.safetensors': [matrix('lm_head.weight', 4, 9)] } });
  writeFileSync(join(path, 'pytorch_model.bin'), stateDict([floats('lm_head.weight', 1)]));
  t.is(await firstByte(path), 9);
  t.like((await openCheckpoint(path)).source, { file: join(path, 'a.safetensors') });
});

test('a bare state_dict is a checkpoint, and asks like a bare safetensors file', async (t) => {
  const write = (...tensors: FixtureStateTensor[]) => scratchFile(t, 'tiny.bin', stateDict(tensors));
  t.is(await firstFloat(write(floats('x', 3))), 3);
  t.is(await firstFloat(write(floats('x'), floats('lm_head.weight', 2))), 2);
  await refused(
    t,
    write(floats('x'), floats('y')),
    /name one with --tensor, of: x \(4 x 3, float32\), y \(4 x 3, float32\)/,
  );
});

test('a PyTorch file that cannot be a checkpoint is refused with what to do', async (t) => {
  const bare = (bytes: Buffer) => scratchFile(t, 'model.bin', bytes);
  await refused(t, bare(torchFile(op.program(op.none))), /expected a dictionary of tensors by name/);
  await refused(t, bare(op.program(op.none)), /before PyTorch 1.6.*torch.save\(object, path\)/);
  const path = checkpointDirectory(t, {});
  writeFileSync(join(path, 'pytorch_model.bin'), op.program(op.none));
  await refused(t, path, /pytorch_model.bin: .*before PyTorch 1.6/);
});

test('it says why a tensor is taken, and which others are there', async (t) => {
  const single = [matrix('x'), matrix('model.embed_tokens.weight'), matrix('lm_head.weight')];
  const path = checkpointDirectory(t, { single });
  const file = join(path, 'model.safetensors');
  const found = await explainCheckpoint(path);
  t.regex(found.reason, /^rule 1 of \d+: an unembedding matrix \(Llama/);
  t.deepEqual(found.others, [{ name: 'model.embed_tokens.weight', file, shape: [4, 3], dtype: 'BF16' }]);
  const asked = await explainCheckpoint(path, { tensor: 'x' });
  t.is(asked.reason, 'named by --tensor');
  t.is(asked.others.length, 2);
  const config = { hidden_size: 3, tie_word_embeddings: true };
  const tied = await explainCheckpoint(checkpointDirectory(t, { config, single: single.slice(0, 2) }));
  t.regex(tied.reason, /an embedding matrix; tie_word_embeddings is true/);
  const bare = await explainCheckpoint(scratchFile(t, 'a.safetensors', safetensors([matrix('x')])));
  t.is(bare.reason, 'the only matrix of the file');
});

for (const [key, value] of [
  ['hidden_size', 3],
  ['n_embd', 3],
  ['n_embed', 3],
  ['d_model', 3],
] as const) {
  test(`the hidden size is read as ${key}`, async (t) => {
    const config = { [key]: value };
    const path = checkpointDirectory(t, { config, single: [matrix('lm_head.weight')] });
    t.is((await openCheckpoint(path)).model.hiddenSize, 3);
  });
}

test('embeddings narrower than the layers, as in OPT, are taken at their own width', async (t) => {
  const config = { hidden_size: 8, word_embed_proj_dim: 3 };
  const path = checkpointDirectory(t, { config, single: [matrix('model.decoder.embed_tokens.weight')] });
  t.is((await openCheckpoint(path)).source.columns, 3);
});

realModelTest('a real checkpoint is opened', async (t, model) => {
  const checkpoint = await openCheckpoint(model);
  t.deepEqual(checkpoint, {
    path: model,
    source: {
      file: join(model, 'model.safetensors'),
      byteOffset: 128,
      rows: 512,
      columns: 64,
      dtype: 'float32',
      tensor: 'model.embed_tokens.weight',
    },
    model: {
      name: 'stories260k',
      revision: null,
      modelType: 'llama',
      tied: true,
      hiddenSize: 64,
      vocabSize: 512,
    },
    storedRows: 512,
    normalisation: null,
    finalNorm: null,
    logitBias: null,
    origin: null,
    notes: [],
  });
});
