import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../src/errors.js';
import { findVectors, readVectors, type VectorWish } from '../../src/input/vectors.js';
import {
  float32Bytes,
  npy,
  op,
  safetensors,
  scratchFile,
  tensorPickle,
  torchFile,
} from '../helpers/fixtures.js';

/** Five vectors of three components. */
const [COUNT, HIDDEN] = [5, 3];
const values = Array.from({ length: COUNT * HIDDEN }, (_, k) => k + 0.5);
const columns = Array.from(
  { length: COUNT * HIDDEN },
  (_, k) => values[(k % COUNT) * HIDDEN + Math.floor(k / COUNT)]!,
);

const tensor = (name: string, shape: number[], data: readonly number[]) => ({
  ...{ name, dtype: 'F32', shape },
  data: float32Bytes(data),
});

const find = (t: ExecutionContext, bytes: Uint8Array, wish: VectorWish = {}, hidden = HIDDEN) =>
  findVectors(scratchFile(t, `vectors${Math.random()}`, bytes), hidden, wish);

test('the same vectors are read of every format, of rows and of columns, whole and in part', async (t) => {
  const rows = { from: 1, to: 4 };
  const stored = { size: COUNT * HIDDEN, shape: [COUNT, HIDDEN], strides: [HIDDEN, 1] };
  const turned = { size: COUNT * HIDDEN, shape: [HIDDEN, COUNT], strides: [1, HIDDEN] };
  const files: [string, Uint8Array][] = [
    ['npy', npy('<f4', [COUNT, HIDDEN], float32Bytes(values))],
    ['npy by columns', npy('<f4', [HIDDEN, COUNT], float32Bytes(columns))],
    ['npy in Fortran order', npy('<f4', [COUNT, HIDDEN], float32Bytes(columns), { fortranOrder: true })],
    ['safetensors', safetensors([tensor('W_dec', [COUNT, HIDDEN], values), tensor('b', [4], [1, 2, 3, 4])])],
    ['safetensors by columns', safetensors([tensor('decoder.weight', [HIDDEN, COUNT], columns)])],
    ['pt', torchFile(op.program(tensorPickle(stored)), { 0: float32Bytes(values) })],
    ['pt, a view', torchFile(op.program(tensorPickle(turned)), { 0: float32Bytes(values) })],
    [
      'pt, a dictionary',
      torchFile(op.program(op.dictOf(op.text('W_dec'), tensorPickle(stored))), { 0: float32Bytes(values) }),
    ],
  ];
  for (const [name, bytes] of files) {
    const all = await find(t, bytes);
    t.is(all.count, COUNT, name);
    t.deepEqual(Array.from(await readVectors(all, { first: 0, count: COUNT })), values, name);
    t.deepEqual(Array.from(await readVectors(all, { first: 4, count: 1 })), values.slice(12), name);
    const some = await find(t, bytes, { rows });
    t.deepEqual([some.first, some.count], [1, 3]);
    t.deepEqual(Array.from(await readVectors(some, { first: 1, count: 2 })), values.slice(6, 12), name);
  }
  const one = await find(t, npy('<f4', [HIDDEN], float32Bytes([1, 2, 3])));
  t.deepEqual(Array.from(await readVectors(one, { first: 0, count: 1 })), [1, 2, 3]);
});

test('of a square matrix the caller says where its vectors lie, and nothing is said against another shape', async (t) => {
  const bytes = npy('<f4', [3, 3], float32Bytes(values.slice(0, 9)));
  await t.throwsAsync(find(t, bytes), { message: /give --no-transpose where .* or --transpose where/ });
  const rows = await find(t, bytes, { transpose: false });
  t.deepEqual(Array.from(await readVectors(rows, { first: 0, count: 1 })), [0.5, 1.5, 2.5]);
  const turned = await find(t, bytes, { transpose: true });
  t.deepEqual(Array.from(await readVectors(turned, { first: 0, count: 1 })), [0.5, 3.5, 6.5]);
  const wide = npy('<f4', [COUNT, HIDDEN], float32Bytes(values));
  await t.throwsAsync(find(t, wide, { transpose: true }), {
    message: /whose rows have 3 components; leave --transpose/,
  });
});

test('the metadata of a .safetensors file say of which kind its vectors are', async (t) => {
  const tensors = [tensor('duals', [COUNT, HIDDEN], values)];
  t.is((await find(t, safetensors(tensors, { 'eigenshard.vectors': 'hidden' }))).kind, 'hidden');
  t.is((await find(t, safetensors(tensors, { 'eigenshard.vectors': 'other' }))).kind, null);
});

test('what holds no such vectors is refused with what it holds', async (t) => {
  const both = safetensors([
    tensor('W_dec', [COUNT, HIDDEN], values),
    tensor('W_enc', [HIDDEN, COUNT], values),
  ]);
  const overlapping = { size: 4, shape: [1000, HIDDEN], strides: [0, 1] };
  const beyond = { size: 4, shape: [2, HIDDEN], strides: [HIDDEN, 1] };
  const cases: [Uint8Array, VectorWish, RegExp][] = [
    [both, {}, /several tensors hold vectors of 3 components: W_dec \(5 x 3\), W_enc \(3 x 5\); name one/],
    [both, { tensor: 'W_dek' }, /no tensor "W_dek" \(did you mean "W_dec"\?\); there are W_dec, W_enc/],
    [
      safetensors([tensor('b', [2, 2], [1, 2, 3, 4])]),
      {},
      /expected vectors of 3 components.*found b \(2 x 2\)/,
    ],
    [
      safetensors([tensor('b', [2, 2], [1, 2, 3, 4])]),
      { tensor: 'b' },
      /tensor b is 2 x 2, expected vectors of 3/,
    ],
    [safetensors([]), {}, /found no tensor/],
    [
      safetensors([{ name: 'ids', dtype: 'I64', shape: [1, 3], data: new Uint8Array(24) }]),
      {},
      /tensor ids is I64, expected BF16/,
    ],
    [npy('<f4', [0, HIDDEN], float32Bytes([])), {}, /expected vectors of 3 components/],
    [
      npy('<f4', [COUNT, HIDDEN], float32Bytes(values)),
      { tensor: 'W' },
      /no tensors with names; leave --tensor/,
    ],
    [
      npy('<f4', [COUNT, HIDDEN], float32Bytes(values)),
      { rows: { from: 2, to: 6 } },
      /holds 5 vectors; --rows 2:6/,
    ],
    [
      npy('<f4', [COUNT, HIDDEN], float32Bytes(values)),
      { rows: { from: 2, to: 2 } },
      /--rows 2:2 asks for others/,
    ],
    [
      npy('<f4', [COUNT, HIDDEN], float32Bytes(values)).subarray(0, 100),
      {},
      /not a readable \.npy file|bytes/,
    ],
    [torchFile(op.program(tensorPickle(overlapping)), { 0: float32Bytes([1, 2, 3, 4]) }), {}, /rows overlap/],
    [
      torchFile(op.program(tensorPickle(beyond)), { 0: float32Bytes([1, 2, 3, 4]) }),
      {},
      /reach element 5 of a storage/,
    ],
    [Buffer.from('PAR1 and more that is none'), {}, /expected the vectors as a \.npy, \.safetensors or \.pt/],
    [new Uint8Array(0), {}, /is empty/],
  ];
  for (const [bytes, wish, message] of cases)
    await t.throwsAsync(find(t, bytes, wish), { instanceOf: InputError, message });
  await t.throwsAsync(findVectors('/nowhere/vectors.npy', 3, {}), { instanceOf: InputError });
  const holes = await find(t, npy('<f4', [2, HIDDEN], float32Bytes([1, 2, 3, 4, Number.NaN, 6])));
  await t.throwsAsync(readVectors(holes, { first: 0, count: 2 }), {
    instanceOf: InputError,
    message: /component 1 of vector 1 of those asked for is NaN, expected finite numbers/,
  });
});
