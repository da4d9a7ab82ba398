import test from 'ava';
import { InputError } from '../../src/errors.js';
import { withStoredTensors } from '../../src/formats/stored-tensors.js';
import { float32Bytes, float64Bytes, safetensors, scratchFile } from '../helpers/fixtures.js';

const tensors = [
  { name: 'odd', dtype: 'U8', shape: [3], data: Buffer.from([1, 2, 3]) },
  { name: 'c', dtype: 'F64', shape: [2], data: float64Bytes([0.1, -2]) },
  { name: 'V', dtype: 'F32', shape: [2, 2], data: float32Bytes([1, 2, 3, 4]) },
  { name: 'empty', dtype: 'F32', shape: [0, 4], data: float32Bytes([]) },
];

test('tensors come back by name, wherever in the file they lie', async (t) => {
  // Behind three bytes, so no element lies on a boundary of its own size.
  const file = scratchFile(t, 'a.safetensors', safetensors(tensors));
  await withStoredTensors(file, async (stored) => {
    t.deepEqual(await stored.float64('c', [2]), Float64Array.of(0.1, -2));
    t.deepEqual(await stored.float32('V', [2, 2]), Float32Array.of(1, 2, 3, 4));
    t.deepEqual(await stored.float32('empty', [0, 4]), new Float32Array(0));
    t.deepEqual(
      ['c', 'V', 'odd', 'v', ''].map((name) => stored.has(name)),
      [true, true, true, false, false],
    );
    const { byteOffset, byteLength } = stored.entry('V', 'F32', [2, 2]);
    t.is(byteLength, 16);
    t.is(byteOffset, safetensors(tensors).length - 16);
  });
});

test("what is handed to the caller is the caller's", async (t) => {
  const file = scratchFile(t, 'a.safetensors', safetensors(tensors));
  const read = () => withStoredTensors(file, (stored) => stored.float64('c', [2]));
  const first = await read();
  first.fill(9);
  t.deepEqual(await read(), Float64Array.of(0.1, -2));
});

test('a tensor that is absent, or of another dtype or shape, is refused with what was expected and what there is', async (t) => {
  const file = scratchFile(t, 'a.safetensors', safetensors(tensors));
  const cases = [
    ['v', 'F32', [2, 2], 'v, F32 [2, 2]; there is none'],
    ['V', 'F64', [2, 2], 'V, F64 [2, 2]; there is F32 [2, 2]'],
    ['V', 'F32', [4], 'V, F32 [4]; there is F32 [2, 2]'],
    ['c', 'F64', [2, 1], 'c, F64 [2, 1]; there is F64 [2]'],
  ] as const;
  await withStoredTensors(file, async (stored) => {
    for (const [name, dtype, shape, message] of cases) {
      const expected = { instanceOf: InputError, message: `${file}: expected the tensor ${message}` };
      t.throws(() => stored.entry(name, dtype, shape), expected);
      const read = dtype === 'F64' ? stored.float64 : stored.float32;
      await t.throwsAsync(read(name, shape), expected);
    }
  });
});

test('a file that is cut off, or missing, is refused by name', async (t) => {
  const whole = safetensors(tensors);
  const file = scratchFile(t, 'a.safetensors', whole.subarray(0, whole.length - 1));
  for (const path of [file, `${file}.missing`]) {
    const error = await t.throwsAsync(
      withStoredTensors(path, async () => t.fail()),
      { instanceOf: InputError },
    );
    t.true(error.message.startsWith(path));
  }
});
