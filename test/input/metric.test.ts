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

/** A .pt file of M and these metadata: key, value, ... */
const withMetadata = (...metadata: Buffer[]) =>
  torchFile(
    op.program(op.dictOf(op.text('M'), tensorPickle(square), op.text('metadata'), op.dictOf(...metadata))),
    { 0: float32Bytes(symmetric), 1: float64Bytes([1e-5]) },
  );

test('metadata that are not needed are passed over, whatever Python keeps there', async (t) => {
  const ridge = [op.text('regularization'), op.float(1e-6)];
  const device = Buffer.concat([
    op.global('torch', 'device'),
    op.tupleOf(op.text('cuda'), op.int(0)),
    op.reduce,
  ]);
  const set = Buffer.concat([
    op.global('__builtin__', 'set'),
    op.tupleOf(Buffer.concat([op.emptyList, op.mark, op.int(1), op.appends])),
    op.reduce,
  ]);
  for (const value of [
    op.global('torch', 'float32'),
    device,
    set,
    Buffer.from('C\x02ab'),
    op.global('torch', 'Size'),
  ]) {
    t.is((await read(t, withMetadata(...ridge, op.text('other'), value))).ridge, 1e-6);
  }
});

for (const ridge of [Number.NaN, Number.POSITIVE_INFINITY, -1e-6]) {
  test(`the ridge ${ridge} is refused`, async (t) => {
    const metadata = withMetadata(op.text('ridge'), op.float(ridge));
    await t.throwsAsync(read(t, metadata), {
      instanceOf: InputError,
      message: /the metadata give the ridge/,
    });
  });
}

test('the text of a number that no ridge has is refused, and other text is none', async (t) => {
  const data = new Uint8Array(Float64Array.from([1, 0, 0, 0, 1, 0, 0, 0, 1]).buffer);
  const of = (ridge: string) => safetensors([{ name: 'M', dtype: 'F64', shape: [3, 3], data }], { ridge });
  for (const ridge of ['nan', 'NaN', '-inf', '1e999', '-1']) {
    await t.throwsAsync(read(t, of(ridge)), { instanceOf: InputError, message: /expected a finite number/ });
  }
  for (const ridge of ['by eye', '0x10', '0b1', '1_000', '1e-6,2', ''])
    t.is((await read(t, of(ridge))).ridge, null);
  for (const ridge of ['1e-6', ' 0.000001 ', '+1E-6']) t.is((await read(t, of(ridge))).ridge, 1e-6);
});

test('a ridge is found as a number of Python, of NumPy or of PyTorch', async (t) => {
  const bytes = float64Bytes([1e-6]).toString('latin1');
  const dtype = Buffer.concat([
    ...[op.global('numpy', 'dtype'), op.tupleOf(op.text('f8'), op.false, op.true), op.reduce],
    ...[
      op.tupleOf(op.int(3), op.text('<'), op.none, op.none, op.none, op.int(-1), op.int(-1), op.int(0)),
      op.build,
    ],
  ]);
  const encoded = [op.global('_codecs', 'encode'), op.tupleOf(op.text(bytes), op.text('latin1')), op.reduce];
  const scalar = Buffer.concat([
    ...[op.global('numpy._core.multiarray', 'scalar'), op.tupleOf(dtype, Buffer.concat(encoded)), op.reduce],
  ]);
  t.is((await read(t, withMetadata(op.text('ridge'), scalar))).ridge, 1e-6);
  const tensor = tensorPickle({ storageClass: 'DoubleStorage', key: '1', size: 1, shape: [], strides: [] });
  t.is((await read(t, withMetadata(op.text('ridge'), tensor))).ridge, 1e-5);
  t.is((await read(t, withMetadata(op.text('ridge'), op.global('torch', 'float32')))).ridge, null);
});

test('metadata that could run code are refused, though nothing of them is needed', async (t) => {
  const call = Buffer.concat([op.global('os', 'system'), op.tupleOf(op.text('id')), op.reduce]);
  await t.throwsAsync(read(t, withMetadata(op.text('x'), call)), {
    instanceOf: InputError,
    message: /"os system" is not allowed; nothing of it was executed/,
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
