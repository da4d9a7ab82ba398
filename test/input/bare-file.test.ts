import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../src/errors.js';
import { openCheckpoint } from '../../src/input/open-checkpoint.js';
import { checkpointDirectory, found, matrix } from '../helpers/checkpoints.js';
import {
  float32Bytes,
  npy,
  op,
  safetensors,
  scratchDirectory,
  scratchFile,
  stateDict,
  tensorPickle,
  torchFile,
} from '../helpers/fixtures.js';

const HEAD = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';

const refused = (t: ExecutionContext, path: string, message: RegExp) =>
  t.throwsAsync(openCheckpoint(path), { instanceOf: InputError, message });

test('of one shard of a directory the index and the configuration count', async (t) => {
  const shards = { 'a.safetensors': [matrix(EMBEDDING)], 'b.safetensors': [matrix(HEAD, 4, 2)] };
  const path = checkpointDirectory(t, { config: { hidden_size: 3, vocab_size: 5 }, shards });
  await refused(
    t,
    join(path, 'a.safetensors'),
    /the unembedding matrix is lm_head.weight, in b.safetensors beside/,
  );
  const { fill, notes } = await found(join(path, 'b.safetensors'));
  t.is(fill, 2);
  t.deepEqual(notes, ['tensor lm_head.weight has 4 rows, config.json says vocab_size 5']);
  t.is((await found(join(path, 'a.safetensors'), EMBEDDING)).fill, 1);
  t.is((await openCheckpoint(join(path, 'b.safetensors'))).model.name, 'b');
});

test('the one file of a directory is what its configuration says', async (t) => {
  const config = { hidden_size: 3, tie_word_embeddings: false };
  const path = checkpointDirectory(t, { config, single: [matrix(EMBEDDING)] });
  await refused(t, join(path, 'model.safetensors'), /config.json says that the embeddings are not tied/);
  const stranger = join(path, 'other.safetensors');
  writeFileSync(stranger, safetensors([matrix(EMBEDDING, 4, 9)]));
  t.is((await found(stranger)).fill, 9);
});

test('an index that cannot be read is no hindrance to who gives a shard', async (t) => {
  const path = checkpointDirectory(t, { shards: { 'a.safetensors': [matrix(HEAD, 4, 2)] } });
  writeFileSync(join(path, 'model.safetensors.index.json'), '{');
  t.is((await found(join(path, 'a.safetensors'))).fill, 2);
});

test('a part of a model-parallel checkpoint is refused with the others, alone it is whole', async (t) => {
  const directory = scratchDirectory(t);
  const write = (name: string) => {
    const file = join(directory, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, safetensors([matrix('output.weight')]));
    return file;
  };
  for (const [first, second] of [
    ['consolidated.00.pth', 'consolidated.01.pth'],
    ['consolidated.00.safetensors', 'consolidated.01.safetensors'],
    ['mp_rank_00_model_states.pt', 'mp_rank_01_model_states.pt'],
    ['mp_rank_00/model_optim_rng.pt', 'mp_rank_01/model_optim_rng.pt'],
    ['rank0.safetensors', 'rank1.safetensors'],
    ['model_tp0.pt', 'model_tp1.pt'],
  ] as const) {
    const file = write(first);
    t.is((await found(file)).tensor, 'output.weight', first);
    const other = write(second);
    const beside = second.split('/')[0]!.replaceAll('.', '\\.');
    await refused(
      t,
      file,
      new RegExp(`one part of 2 of a model-parallel checkpoint \\(beside it: ${beside}\\)`),
    );
    renameSync(other, join(directory, `moved-${second.replace('/', '-')}`));
  }
  await refused(t, write('model0-mp8.safetensors'), /one part of 8 .*its name says so/);
});

test('a head whose configuration beside it promises more rows is a part', async (t) => {
  const directory = scratchDirectory(t);
  const file = join(directory, 'consolidated.00.pth');
  writeFileSync(
    file,
    stateDict([{ name: 'output.weight', shape: [4, 3], data: float32Bytes(Array(12).fill(1)) }]),
  );
  writeFileSync(join(directory, 'params.json'), '{"dim": 3, "vocab_size": 8}');
  await refused(t, file, /4 x 3, one part of 2 .*\(8 rows are said to be there\)/);
});

test('the model within a training checkpoint is found, and what was taken off is said', async (t) => {
  const bytes = (fill: number) => new Uint8Array(48).fill(fill);
  const held = (key: string) => tensorPickle({ key, size: 12, shape: [4, 3], strides: [3, 1] });
  const program = op.program(
    op.dictOf(
      ...[
        op.text('model'),
        op.dictOf(
          ...[op.text('_orig_mod.transformer.wte.weight'), held('0')],
          ...[op.text('_orig_mod.lm_head.weight'), held('1')],
        ),
      ],
      ...[op.text('iter_num'), op.int(10)],
    ),
  );
  const file = scratchFile(t, 'ckpt.pt', torchFile(program, { 0: bytes(1), 1: bytes(2) }));
  const { tensor, fill, notes, others } = await found(file);
  t.is(tensor, '_orig_mod.lm_head.weight');
  t.is(fill, 2);
  t.deepEqual(notes, [
    'the tensors are those under the key "model" of the file',
    'tensor _orig_mod.lm_head.weight is taken for lm_head.weight, with "_orig_mod." taken off its name',
  ]);
  t.deepEqual(
    others.map(({ name }) => name),
    ['_orig_mod.transformer.wte.weight'],
  );
  // As the manifest records it, and as a user would write it.
  for (const name of ['_orig_mod.lm_head.weight', 'lm_head.weight'])
    t.is((await found(file, name)).tensor, tensor);
});

test('an array with fewer rows than columns may be the wrong way round', async (t) => {
  const of = async (shape: number[]) =>
    (await found(scratchFile(t, 'a.npy', npy('<f4', shape, new Uint8Array(24))))).notes;
  t.regex((await of([2, 3])).join(), /the array has 2 rows of 3 numbers: is it stored transposed\?/);
  t.deepEqual(await of([3, 2]), []);
});

test('of files that may be parts one is refused where another holds the same tensor, and is taken by name', async (t) => {
  for (const [name, other] of [
    ['checkpoint-shard0.safetensors', 'checkpoint-shard1.safetensors'],
    ['model_part-3.pt', 'model_part-12.pt'],
    ['pytorch_model_fsdp_0.bin', 'pytorch_model_fsdp_1.bin'],
    ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'],
    ['ckpt_tp0_pp0.pt', 'ckpt_tp1_pp0.pt'],
    ['rank0/model.pt', 'rank1/model.pt'],
  ] as const) {
    const directory = scratchDirectory(t);
    const write = (file: string, tensors: ReturnType<typeof matrix>[]) => {
      mkdirSync(join(directory, file, '..'), { recursive: true });
      writeFileSync(join(directory, file), safetensors(tensors));
    };
    write(name, [matrix(HEAD, 4, 2)]);
    t.is((await found(join(directory, name))).fill, 2, name);
    write(other, [matrix('x')]);
    t.is((await found(join(directory, name))).fill, 2, name);
    write(other, [matrix(HEAD, 4, 3)]);
    await refused(
      t,
      join(directory, name),
      /beside it holds lm_head.weight too: each may be one part .* --tensor lm_head/,
    );
    t.is((await found(join(directory, name), HEAD)).fill, 2, name);
  }
});

test('checkpoints of a training that lie side by side are no parts', async (t) => {
  const directory = scratchDirectory(t);
  for (const name of [
    'step-100.safetensors',
    'step-200.safetensors',
    'epoch_1.pt',
    'epoch_2.pt',
    'particle1.pt',
    'particle2.pt',
  ])
    writeFileSync(join(directory, name), safetensors([matrix(HEAD, 4, 2)]));
  for (const name of ['step-100.safetensors', 'epoch_2.pt', 'particle1.pt'])
    t.is((await found(join(directory, name))).fill, 2, name);
});
