import { writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { type DoneRecord, publishRecord, readRecord } from '../../src/output/done-records.js';
import { directoryStore } from '../../src/output/run-store.js';
import { scratchDirectory } from '../helpers/fixtures.js';

const record: DoneRecord = {
  stage: 'project',
  unit: 7,
  plan: 'ab',
  files: [{ path: 'projections/parquet/part-00007.parquet', bytes: 10, crc32: 1 }],
  part: null,
  results: { crc32: null },
  kernels: { backend: 'portable', library: 'onnxruntime-node', version: '1', float32: 'onnxruntime-node 1' },
  processor: 'A',
  host: 'one',
  pid: 1,
  scheduler: null,
  started: '2026-01-01T00:00:00.000Z',
  seconds: 1,
};

test('a record is read back by the name of its unit', (t) => {
  const store = directoryStore(scratchDirectory(t), { durable: false, lock: null });
  t.is(readRecord(store, record), null);
  t.is(publishRecord(store, record), record);
  t.deepEqual(readRecord(store, record), record);
  t.deepEqual(store.list('done/project'), ['00007.json']);
  t.is(readRecord(store, { stage: 'verify', unit: 7 }), null);
});

test('the loser of a race succeeds with the record of the winner, where both made the same bytes', (t) => {
  const store = directoryStore(scratchDirectory(t), { durable: false, lock: null });
  const winner = { ...record, isUncached: true };
  publishRecord(store, winner);
  // How they wrote them makes no difference.
  t.deepEqual(publishRecord(store, { ...record, host: 'two', seconds: 2, isUncached: false }), winner);
});

test('other bytes than those of the winner are refused, with both hosts', (t) => {
  const store = directoryStore(scratchDirectory(t), { durable: false, lock: null });
  publishRecord(store, record);
  const files = [{ ...record.files[0]!, crc32: 2 }];
  t.throws(() => publishRecord(store, { ...record, host: 'two', processor: 'B', files }), {
    instanceOf: InputError,
    message: /one has computed other bytes \(A\) than two \(B\)/,
  });
});

test('a record that is not whole is none', (t) => {
  const directory = scratchDirectory(t);
  const store = directoryStore(directory, { durable: false, lock: null });
  publishRecord(store, record);
  writeFileSync(path.join(directory, 'done/project/00007.json'), '{"stage": "pro');
  t.is(readRecord(store, record), null);
});
