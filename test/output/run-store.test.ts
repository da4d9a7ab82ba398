import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { InputError, RunError } from '../../src/errors.js';
import { Lock } from '../../src/files/lock.js';
import { directoryStore } from '../../src/output/run-store.js';
import { scratchDirectory } from '../helpers/fixtures.js';

const bytes = (text: string) => [Buffer.from(text)];

for (const durable of [false, true]) {
  test(`what is published first stays, ${durable ? 'on the disk' : 'not waited for'}`, (t) => {
    const directory = scratchDirectory(t);
    const store = directoryStore(directory, { durable, lock: null });
    t.is(store.publish('a/b/c.txt', bytes('first')), 'published');
    t.is(store.publish('a/b/c.txt', bytes('second')), 'was there');
    t.is(readFileSync(path.join(directory, 'a/b/c.txt'), 'utf8'), 'first');
    t.deepEqual(readdirSync(path.join(directory, 'a/b')), ['c.txt'], 'nothing else is left');
  });
}

test('a file is read whole or in part, and one that is missing is none', (t) => {
  const store = directoryStore(scratchDirectory(t), { durable: false, lock: null });
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
  const store = directoryStore(directory, { durable: false, lock: null });
  t.deepEqual(store.list('done/scan'), []);
  store.publish('done/scan/00001.json', bytes('{}'));
  store.publish('done/scan/00000.json', bytes('{}'));
  writeFileSync(path.join(directory, 'done/scan/.00002.json.0123456789abcdef.partial'), '');
  t.deepEqual(store.list('done/scan'), ['00000.json', '00001.json']);
});

test('a file is withdrawn, whether it is there or not', (t) => {
  const store = directoryStore(scratchDirectory(t), { durable: false, lock: null });
  store.publish('a/b', bytes('first'));
  for (let k = 0; k < 2; k++) store.remove('a/b');
  t.is(store.read('a/b'), null);
  t.is(store.publish('a/b', bytes('second')), 'published');
});

test('nothing is published where a link leads out of the directory', (t) => {
  const [directory, elsewhere] = [scratchDirectory(t), scratchDirectory(t)];
  symlinkSync(elsewhere, path.join(directory, 'done'));
  const store = directoryStore(directory, { durable: false, lock: null });
  t.throws(() => store.publish('done/scan/00000.json', bytes('{}')), {
    instanceOf: InputError,
    message: /a symbolic link leads to .*, and a run writes into its own directory alone/,
  });
  t.deepEqual(
    readdirSync(elsewhere, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()),
    [],
  );
});

test('nothing is published by a process that has lost the lock', (t) => {
  const directory = scratchDirectory(t);
  const lock = Lock.create(path.join(directory, 'lock'))!;
  t.teardown(() => lock.release());
  const store = directoryStore(directory, { durable: false, lock: lock.claim });
  store.publish('a', bytes('mine'));
  writeFileSync(path.join(directory, 'lock'), 'of another');
  t.throws(() => store.publish('b', bytes('too late')), { instanceOf: RunError });
  t.deepEqual(store.list('.'), ['a', 'lock']);
});
