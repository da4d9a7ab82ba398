import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../../src/errors.js';
import type { PickleValue } from '../../../src/formats/torch/pickle-value.js';
import { readTorchFile, readTorchTensor } from '../../../src/formats/torch/read-torch.js';
import type { TorchTensor } from '../../../src/formats/torch/torch-tensor.js';
import { explainCheckpoint } from '../../../src/input/open-checkpoint.js';
import { openRows } from '../../../src/input/rows.js';
import { readWeights } from '../../../src/input/weights/read-weights.js';
import { readTorchWeights } from '../../../src/input/weights/torch-weights.js';
import {
  type FixtureStateTensor,
  float32Bytes,
  op,
  safetensors,
  scratchFile,
  stateDict,
  tensorPickle,
  torchFile,
} from '../../helpers/fixtures.js';
import { realModelTest } from '../../helpers/shared-models.js';

test('both formats give names, dtypes, shapes and places', async (t) => {
  const data = float32Bytes([1, 2, 3, 4, 5, 6]);
  const files = [
    scratchFile(t, 'a.safetensors', safetensors([{ name: 'x', dtype: 'F32', shape: [2, 3], data }])),
    scratchFile(t, 'a.bin', stateDict([{ name: 'x', shape: [2, 3], data }])),
  ];
  for (const file of files) {
    const weights = await readWeights(file);
    t.like(weights.entries, [{ name: 'x', dtype: 'float32', shape: [2, 3] }]);
    t.true(weights.byteOffset(weights.entries[0]!) > 0);
  }
});

test('dtypes that cannot be rows are listed under their own names', async (t) => {
  const tensors: FixtureStateTensor[] = [
    { name: 'half', storageClass: 'HalfStorage', shape: [2], data: new Uint8Array(4), width: 2 },
    { name: 'brain', storageClass: 'BFloat16Storage', shape: [2], data: new Uint8Array(4), width: 2 },
    { name: 'mask', storageClass: 'BoolStorage', shape: [2], data: new Uint8Array(2), width: 1 },
  ];
  const { entries } = await readWeights(scratchFile(t, 'a.bin', stateDict(tensors)));
  t.deepEqual(
    entries.map(({ dtype, storedDtype }) => [dtype, storedDtype]),
    [
      ['float16', 'float16'],
      ['bfloat16', 'bfloat16'],
      [null, 'bool'],
    ],
  );
});

test('a tensor that begins within its storage is found there', async (t) => {
  const tensor = {
    name: 'x',
    shape: [1, 2],
    strides: [9, 1],
    offset: 3,
    data: float32Bytes([0, 1, 2, 3, 4]),
  };
  const whole = { ...tensor, offset: 0 };
  const at = async (state: FixtureStateTensor) => {
    const weights = await readWeights(scratchFile(t, 'a.bin', stateDict([state])));
    return weights.byteOffset(weights.entries[0]!);
  };
  t.is((await at(tensor)) - (await at(whole)), 12);
});

for (const [what, tensor, message] of [
  ['a transposed view', { shape: [3, 2], strides: [1, 3] }, /strides \(1, 3\).*tensor.contiguous\(\)/],
  ['a cut out view', { shape: [2, 2], strides: [3, 1] }, /strides \(3, 1\).*tensor.contiguous\(\)/],
  ['a repeated row', { shape: [2, 3], strides: [0, 1] }, /strides \(0, 1\)/],
  ['a tensor beyond its storage', { shape: [3, 3] }, /reach element 8 of a storage of 6/],
  ['a tensor that begins too late', { shape: [2, 3], offset: 1 }, /reach element 6 of a storage of 6/],
] as const) {
  test(`${what} is listed, and refused when it is asked for`, async (t) => {
    const data = float32Bytes([1, 2, 3, 4, 5, 6]);
    const file = scratchFile(t, 'a.bin', stateDict([{ name: 'x', data, ...tensor }]));
    const weights = await readWeights(file);
    const error = t.throws(() => weights.byteOffset(weights.entries[0]!), {
      instanceOf: InputError,
      message,
    });
    t.true(error.message.startsWith(`${file}: tensor x`));
  });
}

realModelTest("PyTorch's own files are read where their matrices are contiguous", async (t, model) => {
  const file = join(model, 'reference_projections.pt');
  const { source, reason } = await explainCheckpoint(file);
  t.like(source, { file, rows: 512, columns: 64, dtype: 'float32', tensor: 'projections' });
  t.is(reason, 'the only matrix of the file');
  const torch = await readTorchFile(file);
  const tensor = (torch.value as Map<PickleValue, PickleValue>).get('projections') as TorchTensor;
  const expected = await readTorchTensor(torch, 'projections', tensor);
  const bytes = new Uint8Array(512 * 64 * 4);
  const reader = openRows(source);
  reader.read(0, 512, bytes);
  reader.close();
  t.deepEqual(Float64Array.from(new Float32Array(bytes.buffer)), expected);
  await t.throwsAsync(explainCheckpoint(join(model, 'reference_eigenbasis.pt')), {
    instanceOf: InputError,
    message: /tensor eigenvectors, 64 x 64, is stored with the strides \(1, 64\)/,
  });
});

test('what is no tensor by name is left out, and what is no dictionary refused', async (t) => {
  const tensor = tensorPickle({ size: 1, shape: [1], strides: [1] });
  const mixed = op.program(op.dictOf(op.text('epoch'), op.int(3), op.text('x'), tensor));
  const file = scratchFile(t, 'a.pt', torchFile(mixed, { 0: float32Bytes([1]) }));
  t.deepEqual(
    (await readTorchWeights(file)).entries.map(({ name }) => name),
    ['x'],
  );
  const bare = scratchFile(t, 'a.pt', torchFile(op.program(tensor), { 0: float32Bytes([1]) }));
  await t.throwsAsync(readTorchWeights(bare), { instanceOf: InputError, message: /model.state_dict\(\)/ });
});

/** A float32 matrix of 2 x 2 in storage data/KEY. */
const matrix = (key: string) => tensorPickle({ key, size: 4, shape: [2, 2], strides: [2, 1] });
const storages = { 0: float32Bytes([1, 2, 3, 4]), 1: float32Bytes([5, 6, 7, 8]) };
const names = async (t: ExecutionContext, program: Buffer) => {
  const { section, entries } = await readTorchWeights(
    scratchFile(t, 'ckpt.pt', torchFile(program, storages)),
  );
  return { section, names: entries.map(({ name }) => name) };
};

test("the checkpoint of a training holds the model's tensors under a key", async (t) => {
  for (const key of ['model', 'state_dict', 'module', 'model_state_dict', 'anything']) {
    const loss = tensorPickle({ key: '1', size: 4, shape: [], strides: [] });
    const program = op.program(
      op.dictOf(
        ...[op.text('iter'), op.int(7), op.text('best_loss'), loss],
        ...[op.text('optimizer'), op.dictOf(op.text('state'), op.dictOf(op.int(0), matrix('1')))],
        ...[op.text(key), op.dictOf(op.text('x'), matrix('0'))],
      ),
    );
    t.deepEqual(await names(t, program), { section: key, names: ['x'] });
  }
});

/** A dictionary of matrices, or of dictionaries of them, by their names. The matrices are told apart by their storage. */
type Nested = { [name: string]: Nested | '0' | '1' };
const nested = (contents: Nested): Buffer =>
  op.dictOf(
    ...Object.entries(contents).flatMap(([name, held]) => [
      op.text(name),
      typeof held === 'string' ? matrix(held) : nested(held),
    ]),
  );

for (const [what, contents, section] of [
  ['the head at the top', { 'lm_head.weight': '0', params: { x: '1' } }, null],
  ['the head in a sibling', { net: { 'proj.weight': '1' }, weights: { 'lm_head.weight': '0' } }, 'weights'],
  [
    'the head beside an embedding',
    { model: { 'embed_tokens.weight': '1' }, state_dict: { 'lm_head.weight': '0' } },
    'state_dict',
  ],
  [
    'a quantised head beside an embedding',
    { model: { 'embed_tokens.weight': '1' }, other: { 'lm_head.qweight': '0' } },
    'other',
  ],
  ['the embedding beside an unknown one', { model: { x: '1' }, ema: { 'wte.weight': '0' } }, 'ema'],
  ['the head two levels down', { model: { state_dict: { 'lm_head.weight': '0' } } }, 'model.state_dict'],
  ['the head five levels down', { a: { b: { c: { d: { e: { 'lm_head.weight': '0' } } } } } }, 'a.b.c.d.e'],
  [
    'the model beside what its optimiser keeps',
    { optimizer: { exp_avg: { 'lm_head.weight': '1' } }, model: { 'lm_head.weight': '0' } },
    'model',
  ],
  [
    "the model's embedding beside a moment of a head",
    { optim: { exp_avg_sq: { 'lm_head.weight': '1' } }, model: { 'wte.weight': '0' } },
    'model',
  ],
  [
    "the file's own embedding beside gradients",
    { gradients: { 'lm_head.weight': '1' }, 'wte.weight': '0' },
    null,
  ],
  [
    "the student's embedding beside a teacher's head",
    { teacher: { 'lm_head.weight': '1' }, student: { 'wte.weight': '0' } },
    'student',
  ],
  ['one matrix of unknown name beside those of an optimiser', { opt_state: { x: '1' }, m: { x: '0' } }, 'm'],
  ['the only model, though it is a draft', { draft: { 'lm_head.weight': '0' } }, 'draft'],
  ['one head in two places', { model: { 'lm_head.weight': '0' }, ema: { 'lm_head.weight': '0' } }, 'model'],
] as [string, Nested, string | null][]) {
  test(`of several dictionaries of tensors ${what} counts`, async (t) => {
    t.is((await names(t, op.program(nested(contents)))).section, section);
  });
}

for (const [what, contents, named] of [
  [
    'two heads',
    { state_dict: { 'lm_head.weight': '0' }, model: { 'lm_head.weight': '1' } },
    'state_dict.lm_head.weight, model.lm_head.weight',
  ],
  [
    'a head at the top and another below it',
    { 'lm_head.weight': '0', model: { 'lm_head.weight': '1' } },
    'lm_head.weight, model.lm_head.weight',
  ],
  [
    'two embeddings',
    { ema: { 'wte.weight': '0' }, net: { 'wte.weight': '1' } },
    'ema.wte.weight, net.wte.weight',
  ],
  ['unknown names', { teacher: { a: '0' }, student: { b: '1' } }, 'teacher.a, student.b'],
  ['unknown names at several levels', { a: { b: { c: { x: '0' } } }, y: '1' }, 'y, a.b.c.x'],
  ['unknown names at the top too', { a: '0', student: { b: '1' } }, 'a, student.b'],
] as [string, Nested, string][]) {
  test(`several dictionaries with ${what} are refused, and one may be named`, async (t) => {
    const file = scratchFile(t, 'ckpt.pt', torchFile(op.program(nested(contents)), storages));
    await t.throwsAsync(readTorchWeights(file), {
      instanceOf: InputError,
      message: new RegExp(`several dictionaries of tensors, with ${named}; .* with --tensor`),
    });
    const places = await Promise.all(
      named.split(', ').map(async (asked) => {
        const { source } = await explainCheckpoint(file, { tensor: asked });
        t.is(source.tensor, asked);
        return source.byteOffset;
      }),
    );
    t.not(places[0], places[1]);
  });
}

test('the key of the only matrix is said', async (t) => {
  const program = op.program(nested({ params: { x: '0' } }));
  const { notes } = await explainCheckpoint(scratchFile(t, 'a.pt', torchFile(program, storages)));
  t.true(notes.includes('the tensors are those under the key "params" of the file'));
});

test('a dictionary that occurs a thousand times is looked at once', async (t) => {
  const many = Array.from({ length: 1000 }, (_, k) => [op.text(`w${k}`), Buffer.from('h\0')]).flat();
  const put = Buffer.from('q\0');
  const held = Buffer.concat([op.dictOf(op.text('x'), matrix('0')), put]);
  const program = op.program(op.dictOf(op.text('first'), held, ...many));
  t.deepEqual(await names(t, program), { section: 'first', names: ['x'] });
});

test('what stands in the place of a tensor is listed, so that its layer is not taken for absent', async (t) => {
  const set = Buffer.concat([op.global('builtins', 'set'), op.emptyTuple, op.reduce]);
  const sizes = (...values: number[]) => op.tupleOf(...values.map(op.int));
  const sparse = Buffer.concat([
    op.global('torch._utils', '_rebuild_sparse_tensor'),
    op.tupleOf(op.none, op.tupleOf(op.none, op.none, sizes(2, 2))),
    op.reduce,
  ]);
  const program = op.program(op.dictOf(op.text('a'), set, op.text('b'), sparse, op.text('c'), matrix('0')));
  const { entries } = await readTorchWeights(scratchFile(t, 'a.pt', torchFile(program, storages)));
  t.deepEqual(
    entries.map(({ name, dtype, storedDtype, shape }) => [name, dtype, storedDtype, shape.length]),
    [
      ['a', null, 'builtins set', 0],
      ['b', null, 'sparse', 2],
      ['c', 'float32', 'float32', 2],
    ],
  );
});
