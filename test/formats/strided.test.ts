import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { InputError } from '../../src/errors.js';
import { withFile } from '../../src/files/open-file.js';
import { readStrided, type StridedTensor } from '../../src/formats/strided.js';
import { float32Bytes, scratchDirectory, scratchFile } from '../helpers/fixtures.js';

const read = (file: string, tensor: StridedTensor) =>
  withFile(file, 'the tensor', (opened) => readStrided(opened, tensor));

/** Element by element, as the definition of strides says. */
function expected(
  values: readonly number[],
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
) {
  let positions = [offset];
  for (const [axis, size] of shape.entries()) {
    positions = positions.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[axis]!));
  }
  return Float64Array.from(positions, (at) => values[at]!);
}

test('any shape and strides give the elements that their definition names', async (t) => {
  const file = join(scratchDirectory(t), 'a');
  const dimension = fc.record({ size: fc.nat(4), stride: fc.nat(9) });
  await fc.assert(
    fc.asyncProperty(fc.array(dimension, { maxLength: 4 }), fc.nat(5), async (dimensions, offset) => {
      const shape = dimensions.map(({ size }) => size);
      const strides = dimensions.map(({ stride }) => stride);
      const values = Array.from({ length: 150 }, (_, index) => index);
      writeFileSync(file, float32Bytes(values));
      const tensor = { dtype: 'float32', shape, strides, byteOffset: offset * 4 } as const;
      t.deepEqual(await read(file, tensor), expected(values, offset, shape, strides));
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('column-major and row-major reads of one matrix are transposes', async (t) => {
  const file = scratchFile(t, 'a', float32Bytes([1, 2, 3, 4, 5, 6]));
  const common = { dtype: 'float32', byteOffset: 0 } as const;
  t.deepEqual([...(await read(file, { ...common, shape: [2, 3], strides: [3, 1] }))], [1, 2, 3, 4, 5, 6]);
  t.deepEqual([...(await read(file, { ...common, shape: [3, 2], strides: [1, 3] }))], [1, 4, 2, 5, 3, 6]);
});

test('a tensor that passes the end of the file is refused', async (t) => {
  const file = scratchFile(t, 'a', float32Bytes([1, 2, 3]));
  await t.throwsAsync(read(file, { dtype: 'float32', shape: [2, 2], strides: [2, 1], byteOffset: 0 }), {
    instanceOf: InputError,
    message: /the file ends at byte 12/,
  });
});
