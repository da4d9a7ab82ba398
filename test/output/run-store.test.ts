import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { publishPart, readPart } from '../../src/output/part-file.js';
import { directoryStore } from '../../src/output/run-store.js';
import { scratchDirectory } from '../helpers/fixtures.js';

const bytes = (text: string) => [Buffer.from(text)];

for (const durable of [false, true]) {
  test(`what is published first stays, ${durable ? 'on the disk' : 'not waited for'}`, (t) => {
    const directory = scratchDirectory(t);
    const store = directoryStore(directory, { durable });
    t.is(store.publish('a/b/c.txt', bytes('first')), 'published');
    t.is(store.publish('a/b/c.txt', bytes('second')), 'was there');
    t.is(readFileSync(path.join(directory, 'a/b/c.txt'), 'utf8'), 'first');
    t.deepEqual(readdirSync(path.join(directory, 'a/b')), ['c.txt'], 'nothing else is left');
  });
}

test('a file is read whole or in part, and one that is missing is none', (t) => {
  const store = directoryStore(scratchDirectory(t), { durable: false });
  store.publish('a', bytes('0123456789'));
  t.is(Buffer.from(store.read('a')!).toString(), '0123456789');
  t.is(Buffer.from(store.read('a', { offset: 3, length: 4 })!).toString(), '3456');
  t.is(store.read('b'), null);
  t.is(store.read('a/b'), null);
  t.throws(() => store.read('a', { offset: 8, length: 1e15 }), {
    instanceOf: InputError,
    message: /ends at byte 10/,
  });
});

test('a folder is listed without what is being written', (t) => {
  const directory = scratchDirectory(t);
  const store = directoryStore(directory, { durable: false });
  t.deepEqual(store.list('done/scan'), []);
  store.publish('done/scan/00001.json', bytes('{}'));
  store.publish('done/scan/00000.json', bytes('{}'));
  writeFileSync(path.join(directory, 'done/scan/.00002.json.0123456789abcdef.partial'), '');
  t.deepEqual(store.list('done/scan'), ['00000.json', '00001.json']);
});

test('arrays come back from a part as they were', (t) => {
  const directory = scratchDirectory(t);
  const store = directoryStore(directory, { durable: false });
  const arrays = {
    a: Float64Array.of(1, Number.NaN, -0, Number.POSITIVE_INFINITY),
    b: Int32Array.of(1, -2, 3),
    c: new Float32Array(0),
    d: BigUint64Array.of(2n ** 64n - 1n),
    e: Float32Array.of(0.1),
  };
  const record = publishPart(store, 'parts/x.bin', arrays);
  t.is(record.bytes, 32 + 16 + 0 + 8 + 8);
  t.is(readFileSync(path.join(directory, 'parts/x.bin')).length, record.bytes);
  t.deepEqual(readPart(store, JSON.parse(JSON.stringify(record))), arrays);
});

test('a part that is damaged or missing is named', (t) => {
  const directory = scratchDirectory(t);
  const store = directoryStore(directory, { durable: false });
  const record = publishPart(store, 'x.bin', { a: Int32Array.of(1, 2, 3) });
  const file = path.join(directory, 'x.bin');
  const stored = readFileSync(file);
  stored[5]! ^= 1;
  writeFileSync(file, stored);
  t.throws(() => readPart(store, record), { instanceOf: InputError, message: /^x\.bin: .*CRC-32 differs/ });
  t.throws(() => readPart(store, { ...record, path: 'y.bin' }), { message: /^y\.bin: .*it is missing/ });
  t.false(existsSync(path.join(directory, 'y.bin')));
});
