/**
 * A run that several processes compute in steps, against what the simulation of benchmarks/scaling/simulate.ts says of
 * it. Its constants come from elsewhere: the units' seconds from the records of the same run in one process of as many
 * threads, the start of a process in each stage from a run of next to nothing in steps, the disk from a file that is
 * written and synced. All take turns, round by round, and each round is predicted from its own constants: what else the
 * machine does meets prediction and measurement alike. First the data of both ways must be the same bytes.
 *
 * usage: node dist/benchmarks/scaling/processes.js [--rows N] [--hidden N] [--processes N] [--threads N] [--runs N]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeFully } from '../../src/files/partial-file.js';
import type { DoneRecord } from '../../src/output/done-records.js';
import { readManifest } from '../../src/output/manifest.js';
import { readRecordsFile } from '../../src/output/run-records.js';
import { covarianceLength } from '../../src/plan/covariance-blocks.js';
import { covarianceUnits } from '../../src/plan/covariance-units.js';
import type { Stage, StageName } from '../../src/plan/stages.js';
import { alignedRows, machineLine, median, spread, wholeNumber } from '../figures.js';
import { interleave } from '../rounds.js';
import { type SimulatedRun, type Site, type StageCost, simulateRun, type UnitCost } from './simulate.js';

const { values: given } = parseArgs({
  options: {
    rows: { type: 'string', default: '60000' },
    hidden: { type: 'string', default: '1024' },
    processes: { type: 'string', default: '2' },
    threads: { type: 'string', default: '1' },
    runs: { type: 'string', default: '5' },
  },
});
const rows = wholeNumber(given.rows);
const hidden = wholeNumber(given.hidden);
const processes = wholeNumber(given.processes);
const threads = wholeNumber(given.threads);
const rounds = wholeNumber(given.runs);
const root = path.resolve(import.meta.dirname, '../../..');
const scratch = path.join(root, 'runs', 'benchmark-scaling-processes');

/** Next to nothing, in two units or more of each stage that has several: two scan ranges, two block columns. */
const NOTHING = { rows: 8200, hidden: 520, partitionRows: 4100 };
const partitionsOfNothing = ['--partition-rows', String(NOTHING.partitionRows)];
/** Bytes that are written and synced. */
const SYNCED_BYTES = 64 * 2 ** 20;
/** What a run has of its own, however it was computed. */
const OWN_NAMES = new Set(['manifest.json', 'records.jsonl', '.eigenshard.run']);

/** Seconds of each command of a run in steps. */
type StepSeconds = Map<string, number>;

/** A run of next to nothing in steps. */
interface Nothing {
  seconds: StepSeconds;
  records: DoneRecord[];
  finish: number;
}

const models = { whole: path.join(scratch, 'model'), nothing: path.join(scratch, 'nothing') };
const out = (name: string) => path.join(scratch, `run-${name}`);
/** CPU seconds of all processes of a way, which say more than seconds where the machine has other things to do. */
const cpu = {
  whole: [] as number[],
  steps: [] as number[],
  nothing: [] as number[],
  nothingInOne: [] as number[],
};
const loads: number[] = [];
const measured: Record<'whole' | 'single', StageCost[][]> = { whole: [], single: [] };
const nothings: Nothing[] = [];
const steps: StepSeconds[] = [];
const storages: number[] = [];

rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });
try {
  const shape = (of: { rows: number; hidden: number }) => [
    '--rows',
    `${of.rows}`,
    '--hidden',
    `${of.hidden}`,
  ];
  await coordinator('generate', ...shape({ rows, hidden }), '--out', models.whole, '--quiet');
  await coordinator('generate', ...shape(NOTHING), '--out', models.nothing, '--quiet');
  const seconds = await interleave(
    [
      { name: 'one process', run: () => runInOne('whole', processes * threads) },
      { name: 'of nothing', run: runNothing },
      { name: 'of nothing, in one process', run: runNothingInOne },
      { name: 'steps', run: runSteps },
      { name: 'one thread', run: () => runInOne('single', 1) },
      { name: 'disk', run: async () => measureStorage() },
    ],
    { rounds, warmUps: 0 },
  );
  print(seconds);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Runs all in one process. @returns seconds */
async function runInOne(name: 'whole' | 'single', workers: number): Promise<number> {
  loads.push(loadavg()[0]!);
  rmSync(out(name), { recursive: true, force: true });
  const options = ['--model', models.whole, '--out', out(name), '--workers', String(workers)];
  const ended = await coordinator(...options, '--backend', 'portable', '--quiet');
  if (name === 'whole') cpu.whole.push(ended.cpuSeconds);
  measured[name].push(costsOfRun(out(name), workers));
  return ended.seconds;
}

/** Runs next to nothing in steps. @returns seconds */
async function runNothing(): Promise<number> {
  const { seconds, cpuSeconds } = await runInSteps(models.nothing, out('nothing'), partitionsOfNothing);
  cpu.nothing.push(cpuSeconds);
  const { records } = readRecordsFile(out('nothing'))!;
  nothings.push({ seconds, records, finish: finishSeconds(out('nothing')) });
  return sum(seconds.values());
}

/** Runs next to nothing in one process. @returns seconds */
async function runNothingInOne(): Promise<number> {
  const directory = out('nothing-in-one');
  rmSync(directory, { recursive: true, force: true });
  const options = ['--model', models.nothing, '--out', directory, '--workers', String(processes * threads)];
  const ended = await coordinator(...options, ...partitionsOfNothing, '--backend', 'portable', '--quiet');
  cpu.nothingInOne.push(ended.cpuSeconds);
  return ended.seconds;
}

/** Runs all in steps, and compares its data with those of one process. @returns seconds */
async function runSteps(): Promise<number> {
  const { seconds, cpuSeconds } = await runInSteps(models.whole, out('steps'), []);
  refuseDifferences(out('whole'), out('steps'));
  steps.push(seconds);
  cpu.steps.push(cpuSeconds);
  return sum(seconds.values());
}

async function runInSteps(model: string, directory: string, options: readonly string[]) {
  rmSync(directory, { recursive: true, force: true });
  const seconds: StepSeconds = new Map();
  let cpuSeconds = 0;
  const time = async (name: string, work: () => Promise<{ cpuSeconds: number }[]>) => {
    const started = performance.now();
    for (const ended of await work()) cpuSeconds += ended.cpuSeconds;
    seconds.set(name, (performance.now() - started) / 1000);
  };
  const plan = ['plan', '--model', model, '--out', directory, '--backend', 'portable', '--quiet', ...options];
  await time('plan', async () => [await coordinator(...plan)]);
  const { stages } = JSON.parse((await coordinator('status', directory, '--json')).stdout) as {
    stages: { name: StageName; units: number }[];
  };
  for (const { name, units } of stages) {
    const step = (...share: string[]) => coordinator('step', directory, name, ...share, '--quiet');
    const share = (index: number) => [
      '--index',
      `${index}`,
      '--of',
      `${processes}`,
      '--workers',
      `${threads}`,
    ];
    // A stage of one unit has the machine for itself.
    const whole = ['--workers', `${processes * threads}`];
    const shares = units === 1 ? [whole] : Array.from({ length: processes }, (_, index) => share(index));
    await time(name, () => Promise.all(shares.map((options) => step(...options))));
  }
  return { seconds, cpuSeconds };
}

/** Takes what the stages of a run cost from what it has recorded, computed by as many threads in one process. */
function costsOfRun(directory: string, workers: number): StageCost[] {
  const { plan, records } = readRecordsFile(directory)!;
  const { seconds } = readManifest(directory).execution;
  return plan.stages.map((stage) => {
    const own = records.filter((record) => record.stage === stage.name);
    return { name: stage.name, units: unitCosts(stage, own), processBytes: 0, startUp: 0, crowding: 1 };
  });

  function unitCosts({ name, rows: counts }: Stage, own: readonly DoneRecord[]): UnitCost[] {
    if (name === 'finish') return [{ seconds: finishSeconds(directory), bytes: 0 }];
    const bytes = (unit: number) => bytesOf(own.find((record) => record.unit === unit)!);
    if (counts === null) return [{ seconds: own[0]!.seconds, bytes: bytes(0) }];
    const works = counts.map((count, unit) => count * (name === 'covariance' ? columnsOf(unit) : 1));
    // The scan of one process comes before its records.
    const pace = name === 'scan' ? (seconds.scan! * workers) / sum(works) : paceOf(own, works, workers);
    return works.map((work, unit) => ({ seconds: pace * work, bytes: bytes(unit) }));
  }

  function columnsOf(unit: number): number {
    const { columns } = covarianceUnits(plan.units.rows, plan.units.hidden)[unit]!;
    return covarianceLength(plan.units.hidden, columns);
  }
}

/** Seconds of a unit of work, but for the first task of each thread, which has the thread's start in it. */
function paceOf(records: readonly DoneRecord[], works: readonly number[], workers: number): number {
  const byStart = records.toSorted((a, b) => Date.parse(a.started) - Date.parse(b.started));
  const warm = byStart.slice(records.length > 2 * workers ? workers : 0);
  return sum(warm.map(({ seconds }) => seconds)) / sum(warm.map(({ unit }) => works[unit]!));
}

function finishSeconds(directory: string): number {
  const { seconds } = readManifest(directory).execution;
  return (seconds.tables ?? 0) + (seconds.report ?? 0) + (seconds.commit ?? 0);
}

/** Bytes for which a unit waits until they are on the disk: its files, and not what it leaves for later stages. */
function bytesOf({ files }: DoneRecord): number {
  return sum(files.map(({ bytes }) => bytes));
}

/** Predicts a round from its own constants. */
function predict(round: number): SimulatedRun {
  const { seconds, records, finish } = nothings[round]!;
  const site: Site = {
    processes,
    threads,
    processesPerMachine: processes,
    scheduler: 0,
    record: 0,
    storage: storages[round]!,
  };
  // What a stage of one unit computes in a run of nothing is no part of its start.
  const computed = (name: string) =>
    name === 'finish' ? finish : (records.find(({ stage }) => stage === name)?.seconds ?? 0);
  const start = (name: string) => seconds.get(name)! - computed(name);
  const startUp = ({ name, units }: StageCost): number => {
    // The seconds of the scan have the start of its threads in them.
    if (name === 'scan') return start('identity');
    return units.length === 1 ? start(name) : seconds.get(name)!;
  };
  const plan = { name: 'plan', units: [], processBytes: 0, startUp: seconds.get('plan')!, crowding: 1 };
  return simulateRun(
    [plan, ...measured.whole[round]!.map((cost) => ({ ...cost, startUp: startUp(cost) }))],
    site,
  );
}

/** @throws Error where the data of two runs are not the same bytes */
function refuseDifferences(one: string, other: string): void {
  const names = (directory: string) =>
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((name) => !OWN_NAMES.has(name) && statSync(path.join(directory, name)).isFile())
      .sort();
  if (names(one).join() !== names(other).join()) throw new Error(`${other}: has other files than ${one}`);
  for (const name of names(one)) {
    const [a, b] = [one, other].map((directory) => readFileSync(path.join(directory, name)));
    if (!a!.equals(b!)) throw new Error(`${name}: in steps it has other bytes than in one process`);
  }
}

/** Measures the disk. @returns bytes a second */
function measureStorage(): number {
  const file = path.join(scratch, 'synced');
  const descriptor = openSync(file, 'w');
  const started = performance.now();
  writeFully(descriptor, new Uint8Array(SYNCED_BYTES).fill(1), null, file);
  fsyncSync(descriptor);
  const storage = (1000 * SYNCED_BYTES) / (performance.now() - started);
  closeSync(descriptor);
  storages.push(storage);
  return storage;
}

/** Runs the command line. CPU seconds are those of its process, as the shell tells them. */
async function coordinator(
  ...args: string[]
): Promise<{ stdout: string; seconds: number; cpuSeconds: number }> {
  const command = [process.execPath, path.join(root, 'coordinator.js'), ...args];
  const started = performance.now();
  const child = spawn('sh', ['-c', '"$@" && times', 'sh', ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, code] = await outputOf(child);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`);
  const lines = stdout.trimEnd().split('\n');
  const cpuSeconds = sum(lines.pop()!.split(' ').map(secondsOfTimes));
  lines.pop();
  return { stdout: lines.join('\n'), seconds: (performance.now() - started) / 1000, cpuSeconds };
}

async function outputOf(child: ChildProcess): Promise<[string, string, number | null]> {
  const texts = [child.stdout!, child.stderr!].map((stream) => {
    const chunks: string[] = [];
    stream.setEncoding('utf8').on('data', (text: string) => chunks.push(text));
    return chunks;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  return [texts[0]!.join(''), texts[1]!.join(''), code];
}

/** Seconds of '1m2.34s'. */
function secondsOfTimes(text: string): number {
  const [, minutes, seconds] = /^(\d+)m([\d.]+)s$/.exec(text)!;
  return 60 * Number(minutes) + Number(seconds);
}

function print(seconds: ReadonlyMap<string, number[]>): void {
  const predicted = Array.from({ length: rounds }, (_, round) => predict(round));
  const [from, to] = [Math.min(...loads), Math.max(...loads)].map((load) => load.toFixed(1));
  console.log(
    `${rows} x ${hidden} bfloat16, metric computed, all tables, portable; ${processes} processes of ${threads} threads in ` +
      `steps, beside one of ${processes * threads}; ${rounds} rounds, ${machineLine()}, load ${from} to ${to}\n` +
      'data of both ways: the same bytes\n',
  );
  const cpuPredicted = cpu.whole.map((one, round) => one + cpu.nothing[round]! - cpu.nothingInOne[round]!);
  const line = (name: string, one: number[] | null, guess: number[], truth: number[]) => [
    name,
    one === null ? '' : spread(one),
    spread(guess),
    spread(truth),
    medianDeviation(guess, truth),
  ];
  const names = predicted[0]!.stages.map(({ name }) => name);
  console.log(
    alignedRows([
      [
        'seconds, median (min to max)',
        'computing, one process',
        'steps, predicted',
        'steps, measured',
        'deviation',
      ],
      ...names.map((name, k) =>
        line(
          name,
          k === 0
            ? null
            : measured.whole.map((costs) => sum(costs[k - 1]!.units.map((unit) => unit.seconds))),
          predicted.map(({ stages }) => stages[k]!.seconds),
          steps.map((one) => one.get(name)!),
        ),
      ),
      line(
        'all',
        seconds.get('one process')!,
        predicted.map((run) => run.seconds),
        seconds.get('steps')!,
      ),
    ]),
  );
  const crowding = names.slice(1).flatMap((name, k) => {
    const total = (costs: StageCost[]) => sum(costs[k]!.units.map((unit) => unit.seconds));
    const ratios = measured.whole.map((costs, round) => total(costs) / total(measured.single[round]!));
    return measured.whole[0]![k]!.units.length > 1 ? [`${name} ${spread(ratios)}`] : [];
  });
  console.log(
    `\nCPU seconds: one process ${spread(cpu.whole)}; steps, predicted by what a run of nothing takes more in steps ` +
      `${spread(cpuPredicted)}, measured ${spread(cpu.steps)}, deviation ${medianDeviation(cpuPredicted, cpu.steps)}` +
      `\nunit while ${processes * threads} threads compute / while one does: ${crowding.join(', ')}` +
      `\nstart of a step, in a run of nothing: ${names.map((name) => `${name} ${spread(nothings.map((one) => one.seconds.get(name)!))}`).join(', ')}` +
      `\ndisk, written and synced: ${spread(storages.map((value) => value / 1e9))} GB/s`,
  );
}

/** Median, over the rounds, of how far predictions are above measurements. */
function medianDeviation(predicted: readonly number[], found: readonly number[]): string {
  return `${median(predicted.map((value, round) => 100 * (value / found[round]! - 1))).toFixed(0)} %`;
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((a, b) => a + b, 0);
}
