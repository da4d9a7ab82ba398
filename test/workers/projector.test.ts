import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { withProjector } from '../../workers/projector.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomFloat32 } from '../helpers/random.js';
import { sameBits } from '../helpers/same-bits.js';

const portable = { backend: 'portable' } as const;

test.serial('eigenvectors that cannot be read fail their own task, and no other one', async (t) => {
  const directory = scratchDirectory(t);
  const basis = (name: string) => ({
    file: path.join(directory, name),
    byteOffset: 0,
    hidden: 2,
    sha256: name,
  });
  const write = (name: string) =>
    writeFileSync(path.join(directory, name), new Uint8Array(new Float32Array([0, 1, 1, 0]).buffer));
  const swapped = (name: string) =>
    withProjector(basis(name), { backend: portable, threads: 1 }, async (product) => {
      const out = new Float32Array(4);
      const matrix = (values: Float32Array) => ({ values, rows: 2, columns: 2 });
      await product.multiply(matrix(Float32Array.of(1, 2, 3, 4)), matrix(out));
      return [...out];
    });
  await t.throwsAsync(swapped('first'));
  write('first');
  t.deepEqual(await swapped('first'), [2, 1, 4, 3]);
  await t.throwsAsync(swapped('second'));
  write('third');
  t.deepEqual(await swapped('third'), [2, 1, 4, 3]);
});

test.serial('threads that share a product give the bits of one alone', async (t) => {
  const d = 1024;
  const file = path.join(scratchDirectory(t), 'eigenvectors');
  const eigenvectors = randomFloat32(d * d, 1);
  writeFileSync(file, new Uint8Array(eigenvectors.buffer));
  for (const rows of [2, 37, 1024]) {
    const gamma = { values: randomFloat32(rows * d, rows), rows, columns: d };
    const projected = (threads: number) =>
      withProjector(
        { file, byteOffset: 0, hidden: d, sha256: 'shared' },
        { backend: portable, threads },
        async (product) => {
          const out = new Float32Array(rows * d);
          await product.multiply(gamma, { values: out, rows, columns: d });
          return out;
        },
      );
    const alone = await projected(1);
    for (const threads of [2, 3, 8]) sameBits(t, await projected(threads), alone, `${rows} rows, ${threads}`);
  }
});
