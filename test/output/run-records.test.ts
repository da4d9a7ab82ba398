import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { InputError } from '../../src/errors.js';
import { type DoneRecord, parseRecord, publishRecord, recordLine } from '../../src/output/done-records.js';
import { type RunPlan, writePlan } from '../../src/output/run-plan.js';
import {
  readRecords,
  readRecordsFile,
  recordsOfStage,
  scannedIdentity,
  writeRecordsFile,
} from '../../src/output/run-records.js';
import { directoryStore } from '../../src/output/run-store.js';
import { scratchDirectory } from '../helpers/fixtures.js';
import { doneRecord, identityRecord, samplePlan } from '../helpers/sample-plan.js';

const written = (path: string) => ({ path, bytes: 12, crc32: 0xffffffff });
const part = { ...written('parts/scan/00000.bin'), arrays: [{ name: 'sums', type: 'float64', length: 1 }] };

/** Records of a plan, in the order of its stages and units. */
function recordsOf(plan: RunPlan): DoneRecord[] {
  return [
    doneRecord(plan, { stage: 'scan', part: part as DoneRecord['part'], results: { sha256: 'ab' } }),
    identityRecord(plan),
    doneRecord(plan, {
      stage: 'basis',
      files: [{ path: 'eigenbasis.safetensors', bytes: 12, sha256: 'ab' }],
      results: { check: [1, null, 'γ'] },
      scheduler: { name: 'slurm', job: '7', task: null, restarts: 1 },
    }),
    doneRecord(plan, { stage: 'project', files: [written('projections/γ.parquet'), written('b.arrow')] }),
    doneRecord(plan, { stage: 'project', unit: 1 }),
  ];
}

function unfinished(t: Parameters<typeof scratchDirectory>[0]) {
  const directory = scratchDirectory(t);
  const store = directoryStore(directory, { durable: false, lock: null });
  const plan = writePlan(store, directory, samplePlan());
  return { directory, store, plan };
}

test('a record is read back from its line, and from none of which a byte is another one', (t) => {
  for (const record of recordsOf({ ...unfinished(t).plan })) {
    const line = recordLine(record);
    t.deepEqual(parseRecord(line), record);
    const bytes = Buffer.from(line);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1;
      if (parseRecord(damaged.toString()) !== null) t.fail(`byte ${at}`);
      if (parseRecord(bytes.subarray(0, at).toString()) !== null) t.fail(`${at} bytes`);
    }
  }
});

test('records are read by stage and unit, whatever the order in which they came', (t) => {
  const { directory, store, plan } = unfinished(t);
  t.is(readRecords(directoryStore(scratchDirectory(t), { durable: false, lock: null }), 'there'), null);
  t.deepEqual(readRecords(store, directory), { plan, records: [] });
  const records = recordsOf(plan);
  for (const record of records.toReversed()) publishRecord(store, record);
  t.deepEqual(readRecords(store, directory), { plan, records });
  t.deepEqual(recordsOfStage(store, plan, 'project'), records.slice(3));
  t.deepEqual(recordsOfStage(store, plan, 'verify'), []);
  t.deepEqual(scannedIdentity(records), records[1]!.results);
  t.is(scannedIdentity(records.slice(2)), null);
});

test('records of another plan, of units that there are not, and what is no record are left out', (t) => {
  const { directory, store, plan } = unfinished(t);
  const records = recordsOf(plan);
  for (const record of records) publishRecord(store, record);
  publishRecord(store, doneRecord({ sha256: 'ab' }, { stage: 'verify' }));
  publishRecord(store, doneRecord(plan, { stage: 'project', unit: 2 }));
  const folder = path.join(directory, 'done/verify');
  const whole = recordLine(doneRecord(plan, { stage: 'verify', unit: 1 }));
  writeFileSync(path.join(folder, '1.json'), whole);
  writeFileSync(path.join(folder, '00001.json.old'), whole);
  writeFileSync(path.join(folder, '00001.json'), recordLine(doneRecord(plan, { stage: 'project', unit: 1 })));
  mkdirSync(path.join(directory, 'done/elsewhere'));
  t.deepEqual(readRecords(store, directory), { plan, records });
});

test('plan and records come back from the one file that a finished run keeps', (t) => {
  const { plan } = unfinished(t);
  const directory = scratchDirectory(t);
  t.is(readRecordsFile(directory), null);
  const records = recordsOf(plan);
  const file = writeRecordsFile(directory, plan, records);
  const bytes = readFileSync(path.join(directory, 'records.jsonl'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  t.deepEqual(file, { path: 'records.jsonl', bytes: bytes.length, sha256 });
  t.deepEqual(readRecordsFile(directory), { plan, records });
  t.is(readFileSync(path.join(directory, 'records.jsonl'), 'utf8').split('\n').length, records.length + 2);
  writeRecordsFile(directory, plan, []);
  t.deepEqual(readRecordsFile(directory), { plan, records: [] });
});

test('of a file of records that is damaged or torn, whole lines are kept, and none without the plan', (t) => {
  const { plan } = unfinished(t);
  const directory = scratchDirectory(t);
  const records = recordsOf(plan);
  writeRecordsFile(directory, plan, records);
  const file = path.join(directory, 'records.jsonl');
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  for (let at = 1; at < lines.length; at++) {
    writeFileSync(file, `${lines.with(at, lines[at]!.replace('"pid":7', '"pid":8')).join('\n')}\n`);
    t.deepEqual(readRecordsFile(directory)?.records, records.toSpliced(at - 1, 1));
    writeFileSync(file, lines.join('\n').slice(0, -1 - lines.slice(at + 1).join('\n').length));
    t.deepEqual(readRecordsFile(directory)?.records, records.slice(0, at < lines.length - 1 ? at : at - 1));
  }
  const foreign = recordLine(doneRecord({ sha256: 'ab' }, { stage: 'verify' }));
  writeFileSync(file, `${[...lines, foreign, 'no JSON', ''].join('\n')}\n`);
  t.deepEqual(readRecordsFile(directory)?.records, records);
  for (const first of ['', 'no JSON', lines[0]!.slice(1), lines[1]!]) {
    writeFileSync(file, `${lines.with(0, first).join('\n')}\n`);
    t.throws(() => readRecordsFile(directory), {
      instanceOf: InputError,
      message: /records\.jsonl: is no plan as this version writes it; it is damaged/,
    });
  }
});
