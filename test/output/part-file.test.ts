import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { CHUNK_BYTES } from '../../src/files/chunks.js';
import { partName, publishPart, readPart } from '../../src/output/part-file.js';
import { directoryStore } from '../../src/output/run-store.js';
import { scratchDirectory } from '../helpers/fixtures.js';

function storeIn(t: Parameters<typeof scratchDirectory>[0]) {
  const directory = scratchDirectory(t);
  return { directory, store: directoryStore(directory, { durable: false, lock: null }) };
}

test('arrays come back from a part as they were', (t) => {
  const { directory, store } = storeIn(t);
  const arrays = {
    a: Float64Array.of(1, Number.NaN, -0, Number.POSITIVE_INFINITY, 5e-324),
    b: Int32Array.of(1, -2, 3),
    c: new Float32Array(0),
    d: BigUint64Array.of(2n ** 64n - 1n),
    e: Float32Array.of(0.1),
    // A view into a longer buffer.
    f: Int32Array.of(7, 8, 9, 10).subarray(1, 3),
  };
  const name = partName({ stage: 'verify', unit: 3 });
  t.is(name, 'parts/verify/00003.bin');
  const record = publishPart(store, name, arrays);
  t.is(record.bytes, 40 + 16 + 0 + 8 + 8 + 8);
  t.is(readFileSync(path.join(directory, name)).length, record.bytes);
  t.deepEqual(readPart(store, JSON.parse(JSON.stringify(record))), { ...arrays, f: Int32Array.of(8, 9) });
});

test('arrays that are read in several chunks come back as they were', (t) => {
  const { store } = storeIn(t);
  const arrays = {
    odd: Int32Array.of(1),
    long: Float64Array.from({ length: CHUNK_BYTES / 8 + 3 }, (_, k) => 1 / (k + 1)),
  };
  const record = publishPart(store, 'x.bin', arrays);
  const { odd, long } = readPart(store, record);
  t.deepEqual(odd, arrays.odd);
  t.true(Buffer.from(long!.buffer).equals(Buffer.from(arrays.long.buffer)));
});

test('a part of which any byte is another one, that was cut, or is missing, is named', (t) => {
  const { directory, store } = storeIn(t);
  const record = publishPart(store, 'x.bin', { a: Int32Array.of(1, 2, 3), b: Float64Array.of(4) });
  const file = path.join(directory, 'x.bin');
  const stored = readFileSync(file);
  const advice = /Run the same command again: its unit is made again$/;
  for (let at = 0; at < stored.length; at++) {
    const isPadding = at >= 12 && at < 16;
    const damaged = Buffer.from(stored);
    damaged[at]! ^= 1;
    writeFileSync(file, damaged);
    if (isPadding) t.deepEqual(readPart(store, record).a, Int32Array.of(1, 2, 3));
    else t.throws(() => readPart(store, record), { instanceOf: InputError, message: advice }, `byte ${at}`);
  }
  for (const bytes of [0, 8, stored.length - 1]) {
    writeFileSync(file, stored);
    truncateSync(file, bytes);
    t.throws(
      () => readPart(store, record),
      { instanceOf: InputError, message: /^x\.bin: .*ends early.* Run the same command again/ },
      `${bytes} bytes`,
    );
  }
  t.throws(() => readPart(store, { ...record, path: 'y.bin' }), {
    instanceOf: InputError,
    message: /^y\.bin: .*it is missing/,
  });
  t.false(existsSync(path.join(directory, 'y.bin')));
});

test('a part that a killed unit has left is kept where it is whole, and replaced where it is not', (t) => {
  const { directory, store } = storeIn(t);
  const arrays = { a: Float64Array.of(1, 2, 3) };
  const record = publishPart(store, 'x.bin', arrays);
  const file = path.join(directory, 'x.bin');
  const stored = readFileSync(file);
  t.deepEqual(publishPart(store, 'x.bin', arrays), record);
  for (const damaged of [Buffer.alloc(0), stored.subarray(0, 9), Buffer.alloc(24, 255)]) {
    writeFileSync(file, damaged);
    t.deepEqual(publishPart(store, 'x.bin', arrays), record);
    t.deepEqual(readFileSync(file), stored);
  }
});
