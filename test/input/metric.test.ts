import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { InputError } from '../../src/errors.js';
import { decodeFloats } from '../../src/formats/dtype.js';
import { readMetric } from '../../src/input/metric.js';
import {
  float32Bytes,
  float64Bytes,
  npy,
  op,
  safetensors,
  scratchFile,
  tensorPickle,
  torchFile,
} from '../helpers/fixtures.js';
import { realModelTest } from '../helpers/shared-models.js';

const symmetric = [4, 1, 0, 1, 5, 2, 0, 2, 6];
const square = { size: 9, shape: [3, 3], strides: [3, 1] };

const read = (t: ExecutionContext, bytes: Uint8Array, hiddenSize = 3) =>
  readMetric(scratchFile(t, 'metric', bytes), { hiddenSize });

test('a dictionary of torch.save gives M, its dtype and its ridge', async (t) => {
  const program = op.program(
    op.dictOf(
      ...[op.text('M'), tensorPickle(square)],
      ...[op.text('metadata'), op.dictOf(op.text('regularization'), op.float(1e-6))],
    ),
  );
  const bytes = torchFile(program, { 0: float32Bytes(symmetric) });
  const { file, ...metric } = await read(t, bytes);
  t.true(file.endsWith('metric'));
  t.deepEqual(metric, {
    matrix: Float64Array.from(symmetric),
    dtype: 'float32',
    ridge: 1e-6,
    asymmetry: { max: 0, relative: 0 },
    tensor: 'M',
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
});

test('a bare tensor of torch.save is the metric', async (t) => {
  const { matrix, tensor, ridge } = await read(
    t,
    torchFile(op.program(tensorPickle(square)), { 0: float32Bytes(symmetric) }),
  );
  t.deepEqual([...matrix], symmetric);
  t.is(tensor, null);
  t.is(ridge, null);
});

test('a safetensors file gives M, or else its only square matrix', async (t) => {
  const data = float64Bytes(symmetric);
  const other = { name: 'x', dtype: 'F64', shape: [9], data };
  for (const name of ['M', 'metric']) {
    const bytes = safetensors([other, { name, dtype: 'F64', shape: [3, 3], data }], { ridge: '1e-5' });
    const { matrix, tensor, ridge, dtype } = await read(t, bytes);
    t.deepEqual([...matrix], symmetric);
    t.deepEqual({ tensor, ridge, dtype }, { tensor: name, ridge: 1e-5, dtype: 'float64' });
  }
});

test('a .npy file is read in C and in Fortran order', async (t) => {
  const nearly = [4, 1, 0, 1.001, 5, 2, 0, 2, 6];
  for (const fortranOrder of [false, true]) {
    const { matrix, asymmetry } = await read(t, npy('<f8', [3, 3], float64Bytes(nearly), { fortranOrder }));
    const mean = 1 / 2 + 1.001 / 2;
    t.deepEqual([...matrix], [4, mean, 0, mean, 5, 2, 0, 2, 6]);
    t.is(asymmetry.max, 1.001 - 1);
    t.is(asymmetry.relative, (1.001 - 1) / 6);
  }
});

const withM = (values: readonly number[]) => npy('<f8', [3, 3], float64Bytes(values));
const refused: [what: string, bytes: Buffer, message: RegExp][] = [
  [
    'a wrong shape',
    npy('<f4', [2, 2], new Uint8Array(16)),
    /the metric is 2 x 2, expected 3 x 3, the checkpoint's hidden size/,
  ],
  ['a vector', npy('<f4', [9], new Uint8Array(36)), /the metric is 9, expected 3 x 3/],
  ['a NaN', withM([1, 0, 0, 0, 1, Number.NaN, 0, 0, 1]), /has NaN in row 1, column 2/],
  [
    'an infinity',
    withM([1, 0, 0, 0, 1, 0, 0, Number.NEGATIVE_INFINITY, 1]),
    /has -Infinity in row 2, column 1/,
  ],
  [
    'asymmetry',
    withM([1, 0.5, 0, 0.4, 1, 0, 0, 0, 1]),
    /max \|M - M\^T\| is 0.0999.*1.00e-1 of max \|M\|, at most 0.001/,
  ],
  [
    'a dictionary without M',
    torchFile(op.program(op.dictOf(op.text('cov'), tensorPickle(square), op.int(1), op.none)), {
      0: float32Bytes(symmetric),
    }),
    /a dictionary with the keys cov \(tensor\), 1; save the metric as/,
  ],
  ['no tensor at all', torchFile(op.program(op.text('x'))), /found a string/],
  [
    'a tensor of integers',
    torchFile(op.program(tensorPickle({ ...square, storageClass: 'IntStorage' })), {
      0: float32Bytes(symmetric),
    }),
    /dtype is int32/,
  ],
  [
    'two square matrices without the name M',
    safetensors(['a', 'b'].map((name) => ({ name, dtype: 'F32', shape: [1, 1], data: new Uint8Array(4) }))),
    /expected the tensor M, or one square matrix, found a \(1 x 1\), b \(1 x 1\); save the metric under the name M/,
  ],
  [
    'safetensors integers',
    safetensors([{ name: 'M', dtype: 'I32', shape: [3, 3], data: new Uint8Array(36) }]),
    /M is I32, expected BF16/,
  ],
  ['the old format of PyTorch', op.program(op.none), /before PyTorch 1.6/],
  ['another format', Buffer.from('not a metric'), /expected the metric as a .pt .* begins with the bytes/],
];

for (const [what, bytes, message] of refused) {
  test(`it refuses ${what}`, async (t) => {
    await t.throwsAsync(read(t, bytes), { instanceOf: InputError, message });
  });
}

test('a missing metric is named', async (t) => {
  await t.throwsAsync(readMetric('/nowhere/metric.pt', { hiddenSize: 3 }), {
    instanceOf: InputError,
    message: /^\/nowhere\/metric.pt: cannot read the metric: there is no such file/,
  });
});

realModelTest('a metric of PyTorch itself is read', async (t, model) => {
  const file = join(model, 'causal_metric_tensor.pt');
  const { matrix, asymmetry, ...metric } = await readMetric(file, { hiddenSize: 64 });
  t.deepEqual(metric, {
    dtype: 'float32',
    ridge: 1e-6,
    tensor: 'M',
    file,
    sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
  });
  for (let i = 0; i < 64; i++) for (let j = 0; j < i; j++) t.is(matrix[i * 64 + j], matrix[j * 64 + i]);
  t.deepEqual(asymmetry, { max: 0, relative: 0 });

  // trace M is the sum of its eigenvalues, which the reference gives in float64.
  const eigenvalues = new Float64Array(64);
  decodeFloats(readFileSync(join(model, 'reference_eigenvalues.npy')).subarray(128), 'float64', eigenvalues);
  const expected = eigenvalues.reduce((sum, lambda) => sum + lambda, 0);
  const trace = matrix.reduce((sum, value, index) => (index % 65 === 0 ? sum + value : sum), 0);
  t.log(`trace ${trace}, reference ${expected}, relative ${Math.abs(trace / expected - 1)}`);
  t.true(Math.abs(trace / expected - 1) < 2 ** -24);
});
