import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { createPartialFile } from '../../src/files/partial-file.js';
import { KernelMemory } from '../../src/linalg/kernels/kernel-memory.js';
import { writeQuicker } from '../../workers/quicker-write.js';
import { takesDirect } from '../helpers/direct-files.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { randomBytes } from '../helpers/random.js';

const MIB = 2 ** 20;

test('whichever way is quicker, files hold what was written', (t) => {
  const directory = scratchDirectory(t);
  const memory = new KernelMemory('');
  const areUncached: boolean[] = [];
  for (const [k, size] of [MIB, 3 * MIB + 1, MIB + 4095, 5 * MIB, MIB + 4097, 2 * MIB].entries()) {
    const content = randomBytes(size, k);
    const { bytes } = memory.allot({ bytes: size }).bytes;
    bytes.set(content);
    const final = path.join(directory, `${k}`);
    const file = createPartialFile(final, { lock: null });
    areUncached.push(writeQuicker(file, bytes));
    file.commit();
    t.is(Buffer.compare(readFileSync(final), content), 0);
  }
  t.log(`past the cache: ${areUncached.join(', ')}`);
  // Both ways are tried, the direct one first.
  t.deepEqual(areUncached.slice(0, 2), [takesDirect(directory), false]);
});

test('small files go through the cache, however large ones went', (t) => {
  const directory = scratchDirectory(t);
  for (const size of [0, 1, 4096, MIB - 1]) {
    const content = randomBytes(size, size);
    const final = path.join(directory, `${size}`);
    const file = createPartialFile(final, { lock: null });
    t.false(writeQuicker(file, content));
    file.commit();
    t.is(Buffer.compare(readFileSync(final), content), 0);
  }
});
