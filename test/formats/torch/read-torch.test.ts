import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { InputError } from '../../../src/errors.js';
import type { PickleValue } from '../../../src/formats/torch/pickle-value.js';
import { readTorchFile, readTorchTensor } from '../../../src/formats/torch/read-torch.js';
import { isTorchTensor, type TorchTensor } from '../../../src/formats/torch/torch-tensor.js';
import { trials } from '../../helpers/campaign.js';
import {
  cutAt,
  type FixtureStorage,
  float32Bytes,
  float64Bytes,
  op,
  scratchDirectory,
  scratchFile,
  tensorPickle,
  torchFile,
  zip,
} from '../../helpers/fixtures.js';
import { realModelTest } from '../../helpers/shared-models.js';

/** Reads a .pt file that is one bare tensor. */
async function readBare(t: ExecutionContext, tensor: FixtureStorage, storage: Uint8Array): Promise<number[]> {
  const file = scratchFile(t, 'a.pt', torchFile(op.program(tensorPickle(tensor)), { 0: storage }));
  const opened = await readTorchFile(file);
  return [...(await readTorchTensor(opened, 'a', opened.value as TorchTensor))];
}

function asDictionary(value: PickleValue): Map<PickleValue, PickleValue> {
  if (!(value instanceof Map)) throw new TypeError('no dictionary');
  return value;
}

test('tensors of each dtype, offset and strides are read row-major', async (t) => {
  const matrix = { size: 7, offset: 1, shape: [2, 3], strides: [1, 2] };
  const expected = [1, 3, 5, 2, 4, 6];
  t.deepEqual(await readBare(t, matrix, float32Bytes([0, 1, 2, 3, 4, 5, 6])), expected);
  const doubles = { ...matrix, storageClass: 'DoubleStorage' };
  t.deepEqual(await readBare(t, doubles, float64Bytes([0, 1, 2, 3, 4, 5, 6])), expected);
  const ones = { size: 2, shape: [2], strides: [1] };
  t.deepEqual(
    await readBare(t, { ...ones, storageClass: 'BFloat16Storage' }, Buffer.from('803f80bf', 'hex')),
    [1, -1],
  );
  t.deepEqual(
    await readBare(t, { ...ones, storageClass: 'HalfStorage' }, Buffer.from('003c00bc', 'hex')),
    [1, -1],
  );
});

test('repeated and empty tensors are read', async (t) => {
  t.deepEqual(
    await readBare(t, { size: 1, shape: [2, 2], strides: [0, 0] }, float32Bytes([5])),
    [5, 5, 5, 5],
  );
  t.deepEqual(await readBare(t, { size: 0, shape: [0, 2], strides: [2, 1] }, Buffer.alloc(0)), []);
});

test('rows that overlap in the storage are refused, however they are written', async (t) => {
  const storage = float32Bytes([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  for (const strides of [
    [1, 1],
    [2, 1],
    [1, 2],
    [2, 2],
  ]) {
    await t.throwsAsync(readBare(t, { size: 9, shape: [3, 3], strides }, storage), {
      instanceOf: InputError,
      message: /its rows overlap in the storage; save it again after tensor\.contiguous\(\)$/,
    });
  }
  const rows = { size: 9, shape: [3, 3], strides: [0, 4] };
  t.deepEqual(await readBare(t, rows, storage), [1, 5, 9, 1, 5, 9, 1, 5, 9]);
  t.deepEqual(await readBare(t, { ...rows, strides: [4, 0] }, storage), [1, 1, 1, 5, 5, 5, 9, 9, 9]);
  t.deepEqual(await readBare(t, { ...rows, shape: [1, 3], strides: [1, 1] }, storage), [1, 2, 3]);
});

test('tensors that are not what their storage holds are refused', async (t) => {
  const storage = float32Bytes([1, 2, 3, 4]);
  const refused = async (tensor: FixtureStorage, message: RegExp) =>
    t.throwsAsync(readBare(t, tensor, storage), { instanceOf: InputError, message });
  await refused({ size: 4, shape: [2, 2], strides: [3, 1] }, /reach element 4 of a storage of 4/);
  await refused({ size: 4, offset: 1, shape: [4], strides: [1] }, /reach element 4 of a storage of 4/);
  await refused({ size: 4, shape: [2], strides: [2 ** 30] }, /reach element 1073741824/);
  await refused({ size: 5, shape: [2], strides: [1] }, /data\/0 has 16 bytes, 5 x 4 were expected/);
  await refused({ size: 4, shape: [2 ** 20, 2 ** 20], strides: [0, 0] }, /at most 1073741824 elements/);
  await refused({ size: 4, key: '9', shape: [2], strides: [1] }, /storage data\/9 is missing/);
  await refused(
    { size: 2, storageClass: 'LongStorage', shape: [2], strides: [1] },
    /dtype is int64, expected a floating/,
  );
});

const none = op.program(op.none);
const foreign: [what: string, bytes: Buffer, message: RegExp][] = [
  [
    'the format before PyTorch 1.6',
    Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex'),
    /before PyTorch 1.6.*torch.save\(object, path\)/,
  ],
  [
    'a pointer of Git LFS',
    Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
    /Git LFS pointer.*git lfs pull/,
  ],
  [
    'TorchScript',
    torchFile(none, {}, { extra: [['archive/constants.pkl', none]] }),
    /TorchScript.*state_dict/,
  ],
  ['a zip archive of something else', zip([['a.txt', Buffer.from('a')]]), /0 entries \*\/data.pkl/],
  ['two programs', torchFile(none, {}, { extra: [['other/data.pkl', none]] }), /2 entries \*\/data.pkl/],
  [
    'big-endian data',
    torchFile(none, {}, { extra: [['archive/byteorder', Buffer.from('big')]] }),
    /byte order is "big"/,
  ],
  ['a compressed archive', torchFile(none, {}, { method: 8 }), /is compressed/],
  [
    'a pickle that runs code',
    torchFile(op.program(op.global('os', 'system'))),
    /\(archive\/data.pkl\), byte 2.*"os system"/,
  ],
];

for (const [what, bytes, message] of foreign) {
  test(`it refuses ${what}`, async (t) => {
    const file = scratchFile(t, 'a.pt', bytes);
    const error = await t.throwsAsync(readTorchFile(file), { instanceOf: InputError, message });
    t.true(error.message.startsWith(file));
  });
}

realModelTest("PyTorch's own file is read: a dictionary of tensors and metadata", async (t, model) => {
  const opened = await readTorchFile(join(model, 'reference_eigenbasis.pt'));
  const dictionary = asDictionary(opened.value);
  t.deepEqual([...dictionary.keys()], ['eigenvalues', 'eigenvectors', 'metadata']);
  t.is(asDictionary(dictionary.get('metadata')!).get('hidden_dim'), 64);

  const eigenvectors = dictionary.get('eigenvectors');
  if (!isTorchTensor(eigenvectors)) return t.fail('no tensor');
  t.deepEqual(eigenvectors.strides, [1, 64]);
  const v = await readTorchTensor(opened, 'eigenvectors', eigenvectors);
  // Each column, and each row, of an orthogonal matrix has the norm 1; float32 keeps that to some 64 x 2^-24.
  let deviation = 0;
  for (let j = 0; j < 64; j++) {
    let sum = 0;
    for (let i = 0; i < 64; i++) sum += v[i * 64 + j]! ** 2;
    deviation = Math.max(deviation, Math.abs(sum - 1));
  }
  t.log(`largest deviation of a squared column norm from 1: ${deviation}`);
  t.true(deviation < 64 * 2 ** -24);

  // The same element by hand: column-major float32 in storage data/1.
  const bytes = readFileSync(join(model, 'reference_eigenbasis.pt'));
  t.is(v[3 * 64 + 5], bytes.readFloatLE(opened.storages.get('1')!.byteOffset + 4 * (5 * 64 + 3)));
});

test('a damaged file gives an InputError or its values, never anything else', async (t) => {
  const file = join(scratchDirectory(t), 'a.pt');
  const tensor = tensorPickle({ size: 6, shape: [2, 3], strides: [3, 1] });
  const whole = torchFile(op.program(op.dictOf(op.text('M'), tensor)), {
    0: float32Bytes([1, 2, 3, 4, 5, 6]),
  });
  let refusals = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
      cutAt(whole.length),
      async (changes, cut) => {
        const bytes = Buffer.from(whole);
        for (const [position, value] of changes) bytes[position] = value;
        writeFileSync(file, bytes.subarray(0, cut ?? bytes.length));
        try {
          const opened = await readTorchFile(file);
          const found = opened.value instanceof Map ? opened.value.get('M') : undefined;
          if (isTorchTensor(found)) await readTorchTensor(opened, 'M', found);
        } catch (error) {
          t.true(error instanceof InputError, String(error));
          refusals++;
        }
      },
    ),
    { seed: 1, numRuns: trials(1000) },
  );
  t.log(`${refusals} of ${trials(1000)} refused`);
});
