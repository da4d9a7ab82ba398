/**
 * What the records of a run's units cost: a run of a thousand tiny partitions is computed in steps by one process of one
 * thread, up to its verification, and then all of its records and parts are published once more into an empty folder,
 * and read again, as a process of a run does where it has the folder for itself, and as one does that others rely on,
 * which waits for the disk. What was read must be what was published. Beside it, the same as whole runs of a thousand
 * partitions and of one: what a partition costs with its files and all.
 *
 * usage: node dist/benchmarks/scaling/records.js [--partitions N] [--rows-each N] [--hidden N] [--runs N]
 */
import { deepStrictEqual } from 'node:assert';
import { execFile } from 'node:child_process';
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { type DoneRecord, publishRecord } from '../../src/output/done-records.js';
import { type PartArrays, publishPart, readPart } from '../../src/output/part-file.js';
import { type RunRecords, readRecords, recordsOfStage } from '../../src/output/run-records.js';
import { directoryStore } from '../../src/output/run-store.js';
import { alignedRows, machineLine, spread, wholeNumber } from '../figures.js';
import { interleave } from '../rounds.js';

const { values: given } = parseArgs({
  options: {
    partitions: { type: 'string', default: '1000' },
    'rows-each': { type: 'string', default: '16' },
    hidden: { type: 'string', default: '64' },
    runs: { type: 'string', default: '5' },
  },
});
const partitions = wholeNumber(given.partitions);
const rowsEach = wholeNumber(given['rows-each']);
const hidden = wholeNumber(given.hidden);
const rounds = wholeNumber(given.runs);
const root = path.resolve(import.meta.dirname, '../../..');
const scratch = path.join(root, 'runs', 'benchmark-scaling-records');
const model = path.join(scratch, 'model');
const common = ['--model', model, '--backend', 'portable', '--quiet'];

const RECORD_BYTES = 1000;

/** A stage's records, with the arrays of their parts. */
interface Published {
  record: DoneRecord;
  arrays: PartArrays | null;
}

/** Milliseconds a unit by what is done, a value a round. */
const milliseconds = new Map<string, number[]>();
const note = (name: string, value: number) =>
  milliseconds.set(name, [...(milliseconds.get(name) ?? []), value]);

rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });
try {
  await coordinator(
    'generate',
    '--rows',
    `${partitions * rowsEach}`,
    '--hidden',
    `${hidden}`,
    '--out',
    model,
  );
  const { plan, records } = await computeInSteps();
  const { store } = storeAt('steps', false);
  const stages = (['project', 'verify'] as const).map((stage) =>
    records
      .filter((record) => record.stage === stage)
      .map((record): Published => ({ record, arrays: record.part && readPart(store, record.part) })),
  );
  const wholeRuns = await interleave(
    [
      { name: 'publish', run: async () => republish(plan, stages) },
      { name: `${partitions} partitions`, run: () => runWhole(rowsEach) },
      { name: 'one partition', run: () => runWhole(partitions * rowsEach) },
    ],
    { rounds, warmUps: 1 },
  );
  print(stages, wholeRuns);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function computeInSteps(): Promise<RunRecords> {
  const { directory, store } = storeAt('steps', false);
  await coordinator('plan', ...common, '--out', directory, '--partition-rows', `${rowsEach}`);
  for (const stage of ['scan', 'identity', 'covariance', 'basis', 'project', 'verify'])
    await coordinator('step', directory, stage, '--workers', '1', '--quiet');
  return readRecords(store, directory)!;
}

function storeAt(name: string, durable: boolean) {
  const directory = path.join(scratch, name);
  return { directory, store: directoryStore(directory, { durable, lock: null }) };
}

/** Publishes and reads everything, in both ways. @returns seconds */
function republish(plan: RunRecords['plan'], stages: readonly Published[][]): number {
  const started = performance.now();
  for (const durable of [false, true]) {
    const { directory, store } = storeAt('again', durable);
    rmSync(directory, { recursive: true, force: true });
    const way = durable ? 'synced' : 'not synced';
    for (const all of stages) {
      const { stage } = all[0]!.record;
      const timed = (what: string, work: () => void) => {
        const begun = performance.now();
        work();
        note(`${what}, ${way}`, (performance.now() - begun) / all.length);
      };
      if (all[0]!.arrays !== null) {
        timed(`${stage}: part`, () => {
          for (const { record, arrays } of all) publishPart(store, record.part!.path, arrays!);
        });
      }
      timed(`${stage}: record`, () => {
        for (const { record } of all) publishRecord(store, record);
      });
      let read: DoneRecord[] = [];
      timed(`${stage}: record read`, () => {
        read = recordsOfStage(store, plan, stage);
      });
      deepStrictEqual(
        read,
        all.map(({ record }) => record),
      );
    }
  }
  writePlainly();
  return (performance.now() - started) / 1000;
}

/** Writes as many files of a record's size and waits for the disk, for each and for its folder: what no record can beat. */
function writePlainly(): void {
  const folder = path.join(scratch, 'plain');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const begun = performance.now();
  const folderDescriptor = openSync(folder, 'r');
  for (let unit = 0; unit < partitions; unit++) {
    const descriptor = openSync(path.join(folder, String(unit)), 'wx');
    writeSync(descriptor, new Uint8Array(RECORD_BYTES));
    fsyncSync(descriptor);
    closeSync(descriptor);
    fsyncSync(folderDescriptor);
  }
  closeSync(folderDescriptor);
  note('a plain file of 1 kB, synced with its folder', (performance.now() - begun) / partitions);
}

async function runWhole(partitionRows: number): Promise<number> {
  const out = path.join(scratch, 'whole');
  rmSync(out, { recursive: true, force: true });
  const started = performance.now();
  await coordinator(...common, '--out', out, '--workers', '1', '--partition-rows', `${partitionRows}`);
  return (performance.now() - started) / 1000;
}

async function coordinator(...args: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [path.join(root, 'coordinator.js'), ...args]);
}

function print(stages: readonly Published[][], wholeRuns: ReadonlyMap<string, number[]>): void {
  const bytes = stages.map(
    (all) => all.reduce((sum, { record }) => sum + (record.part?.bytes ?? 0), 0) / all.length,
  );
  console.log(
    `${partitions} partitions of ${rowsEach} x ${hidden}, one process of one thread, ${rounds} rounds, ${machineLine()}, ` +
      `load ${loadavg()[0]!.toFixed(1)}\nparts of ${(bytes.at(-1)! / 1000).toFixed(0)} kB; all of it was read again as it was published\n`,
  );
  console.log(
    alignedRows([
      ['a unit', 'milliseconds, median (min to max)'],
      // The first round warms up.
      ...[...milliseconds].map(([name, values]) => [name, spread(values.slice(1))]),
    ]),
  );
  const [many, one] = [...wholeRuns.values()].slice(1) as [number[], number[]];
  const each = many.map((seconds, round) => (1000 * (seconds - one[round]!)) / (partitions - 1));
  console.log(
    `\nwhole runs: ${partitions} partitions ${spread(many)} s, one partition ${spread(one)} s: a further partition, projected, ` +
      `verified and written, ${spread(each)} ms`,
  );
}
