import test from 'ava';
import fc from 'fast-check';
import { RunError } from '../../../src/errors.js';
import { KernelMemory } from '../../../src/linalg/kernels/kernel-memory.js';

const PAGE = 65_536;

test('regions are apart, on cache lines, inside the memory, and as long as they were asked for', (t) => {
  const size = fc.oneof(fc.nat(300), fc.nat(2 * PAGE));
  fc.assert(
    fc.property(fc.array(size, { minLength: 1, maxLength: 6 }), (list) => {
      const memory = new KernelMemory('');
      const sizes = Object.fromEntries(list.map((bytes, index) => [`region${index}`, bytes]));
      const regions = memory.allot(sizes);
      let end = 0;
      for (const [name, bytes] of Object.entries(sizes)) {
        const region = regions[name]!;
        t.is(region.offset % 64, 0);
        t.true(region.offset >= end);
        end = region.offset + bytes;
        t.is(region.bytes.length, bytes);
        t.is(region.float32.length, Math.floor(bytes / 4));
        t.is(region.float64.length, Math.floor(bytes / 8));
        for (const view of [region.bytes, region.float32, region.float64]) {
          t.is(view.buffer, memory.memory.buffer);
          t.is(view.byteOffset, region.offset);
        }
      }
      t.true(end <= memory.memory.buffer.byteLength);
    }),
    { seed: 1, numRuns: 60 },
  );
});

test('large regions begin on pages, whatever stands before them', (t) => {
  const LARGE = 2 ** 20;
  for (const before of [0, 1, 64, 5000, LARGE - 1, LARGE + 1]) {
    const { a, b, c } = new KernelMemory('').allot({ before, a: LARGE - 1, b: LARGE, c: LARGE + 5000 });
    t.true(b.offset % 4096 === 0 && c.offset % 4096 === 0, `${before}`);
    t.true(a.offset + LARGE - 1 <= b.offset && b.offset + LARGE <= c.offset);
  }
});

test('the memory grows by the pages that are missing, and is reused by smaller tasks', (t) => {
  const memory = new KernelMemory('');
  for (const [bytes, pages] of [
    [0, 1],
    [1, 1],
    [PAGE, 1],
    [PAGE + 1, 2],
    [5 * PAGE, 5],
    [PAGE, 5],
    [1, 5],
  ] as const) {
    memory.allot({ all: bytes });
    t.is(memory.memory.buffer.byteLength, pages * PAGE);
  }
});

test('the contents are what an earlier task left', (t) => {
  const memory = new KernelMemory('');
  memory.allot({ a: 64 }).a.bytes.fill(7);
  t.deepEqual(new Set(memory.allot({ b: 3 * PAGE }).b.bytes.subarray(0, 64)), new Set([7]));
});

test('more than WebAssembly can address is a failure that says what to do, and leaves the memory usable', (t) => {
  const memory = new KernelMemory('take less');
  const error = t.throws(() => memory.allot({ a: 2 ** 32, b: 1 }), { instanceOf: RunError });
  t.regex(error.message, /needs 4096 MiB of kernel memory.*limit is 4096 MiB\): take less$/);
  t.is(memory.allot({ a: 8 }).a.float64.length, 1);
});
