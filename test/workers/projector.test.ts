import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { projectorOf } from '../../workers/projector.js';
import { scratchDirectory } from '../helpers/fixtures.js';

const portable = { backend: 'portable' } as const;

test('eigenvectors that cannot be read fail their own task, and neither the next one nor another run', async (t) => {
  const directory = scratchDirectory(t);
  const basis = (name: string) => ({
    file: path.join(directory, name),
    byteOffset: 0,
    hidden: 2,
    sha256: name,
  });
  const write = (name: string) =>
    writeFileSync(path.join(directory, name), new Uint8Array(new Float32Array([0, 1, 1, 0]).buffer));
  const swapped = async (name: string) => {
    const product = await projectorOf(basis(name), portable);
    const out = new Float32Array(4);
    const matrix = (values: Float32Array) => ({ values, rows: 2, columns: 2 });
    await product.multiply(matrix(Float32Array.of(1, 2, 3, 4)), matrix(out));
    return [...out];
  };
  await t.throwsAsync(swapped('first'));
  write('first');
  t.deepEqual(await swapped('first'), [2, 1, 4, 3]);
  await t.throwsAsync(swapped('second'));
  write('third');
  t.deepEqual(await swapped('third'), [2, 1, 4, 3]);
});
