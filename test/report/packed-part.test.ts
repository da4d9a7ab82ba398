import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { unpackArrays } from '../../src/report/packed-arrays.js';
import { compressedBytes, gzipOf, packPart } from '../../src/report/packed-part.js';
import { seededRandom } from '../helpers/random.js';
import { sameBits } from '../helpers/same-bits.js';

for (const length of [0, 1, 2 ** 21 - 1, 2 ** 21, 2 ** 21 + 1, 5_000_000]) {
  test(`an array of ${length} bytes and one of 3 numbers come back from one gzip stream`, async (t) => {
    const random = seededRandom(length);
    const arrays = {
      a: Uint8Array.from({ length }, () => random() * 4),
      b: Int16Array.of(1, -2, 300),
    };
    const parts = [await packPart({ a: arrays.a }), await packPart({ b: arrays.b })];
    const entries = parts.flatMap((part) => part.entries);
    const compressed = gzipOf(parts);
    const same = (unpacked: ReturnType<typeof unpackArrays>) => {
      t.deepEqual(Object.keys(unpacked), ['a', 'b']);
      sameBits(t, unpacked.a!, arrays.a);
      sameBits(t, unpacked.b!, arrays.b);
    };
    same(unpackArrays(entries, gunzipSync(compressed)));
    // A page reads it with what browsers have, which refuse a second stream after the first.
    const stream = new Blob([compressed]).stream().pipeThrough(new DecompressionStream('gzip'));
    same(unpackArrays(entries, new Uint8Array(await new Response(stream).arrayBuffer())));
    t.is(compressed.length, parts.reduce((sum, part) => sum + compressedBytes(part), 0) + 20);
  });
}

test('parts of no arrays make an empty stream', async (t) => {
  t.is(gunzipSync(gzipOf([])).length, 0);
  t.is(gunzipSync(gzipOf([await packPart({})])).length, 0);
});
