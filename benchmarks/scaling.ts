/**
 * Whole runs of the command line, metric given, without the tables of the derived geometry, by rows V, by hidden size
 * d and by workers: time and peak memory beside the model a 2 V d^2 + b 9 d^3, where a and b are fitted at the largest
 * run of each table. Every run has verified itself. Only one run's output is on the disk at a time; checkpoints are
 * removed at the end unless they were there before.
 *
 * usage: node dist/benchmarks/scaling.js [--rows N] [--hidden N] [--hidden-sizes N,N,...] [--workers N,N,...]
 *        [--threads N] [--runs N] [--backend auto|portable|system]
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import type { Manifest } from '../src/output/manifest.js';
import { alignedRows, machineLine, median, spread, wholeNumber, wholeNumbers } from './figures.js';
import { interleave } from './rounds.js';

const { values: given } = parseArgs({
  options: {
    rows: { type: 'string', default: '151936' },
    hidden: { type: 'string', default: '2560' },
    'hidden-sizes': { type: 'string', default: '640,1280,2560,5120,8192' },
    workers: { type: 'string', default: '1,2,3,4' },
    threads: { type: 'string', default: String(availableParallelism()) },
    runs: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'portable' },
  },
});
const rows = wholeNumber(given.rows);
const hidden = wholeNumber(given.hidden);
/** Workers of the runs whose number of workers is not the subject. */
const workers = wholeNumber(given.threads);
const runs = wholeNumber(given.runs);
const root = path.resolve(import.meta.dirname, '../..');
const scratch = path.join(root, 'runs', 'benchmark-scaling');

interface Setting {
  rows: number;
  hidden: number;
  workers: number;
}

interface Outcome {
  wallSeconds: number;
  eigenbasisSeconds: number;
  peakMemoryBytes: number;
}

const ROW_FACTORS = [1 / 8, 1 / 4, 1 / 2, 1, 2];
const atRows = (factor: number) => Math.max(1, Math.round(rows * factor));
const byRows = ROW_FACTORS.map((factor): Setting => ({ rows: atRows(factor), hidden, workers }));
const byHidden = wholeNumbers(given['hidden-sizes']).map(
  (size): Setting => ({ rows: atRows(1 / 4), hidden: size, workers }),
);
const byWorkers = wholeNumbers(given.workers).map(
  (count): Setting => ({ rows: atRows(1 / 2), hidden, workers: count }),
);
/** Settings to run, each once, also where several tables show it. */
const settings = new Map([...byRows, ...byHidden, ...byWorkers].map((setting) => [keyOf(setting), setting]));
const outcomes = new Map<string, Outcome[]>([...settings.keys()].map((key) => [key, []]));

const made: string[] = [];
try {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  await prepare();
  await interleave(
    [...settings].map(([name, setting]) => ({ name, run: () => run(setting) })),
    { rounds: runs, warmUps: 0 },
  );
} finally {
  for (const directory of [...made, scratch]) rmSync(directory, { recursive: true, force: true });
}

console.log(
  `whole runs, metric given, no tables, backend ${given.backend}, ${runs} interleaved runs each, ${machineLine()}`,
);
printAgainstModel('by rows', byRows);
printAgainstModel('by hidden size', byHidden);
printByWorkers();

/** Makes the checkpoints, which thereby lie in the page cache, and a metric for each hidden size. */
async function prepare(): Promise<void> {
  for (const setting of settings.values()) {
    const model = modelOf(setting);
    if (!existsSync(model)) made.push(model);
    const shape = ['--rows', String(setting.rows), '--hidden', String(setting.hidden)];
    await coordinator('generate', ...shape, '--out', model, '--quiet');
    const directory = metricRun(setting.hidden);
    if (existsSync(directory)) continue;
    process.stderr.write(`computing a metric of size ${setting.hidden}\n`);
    await coordinator('--model', model, '--out', directory, '--backend', given.backend, '--quiet');
    rmSync(path.join(directory, 'projections'), { recursive: true });
  }
}

/** Runs a setting. @returns seconds from the start of the process to its end */
async function run(setting: Setting): Promise<number> {
  const out = path.join(scratch, 'run');
  const started = performance.now();
  const output = await coordinator(
    ...['--model', modelOf(setting), '--metric', path.join(metricRun(setting.hidden), 'metric.safetensors')],
    ...['--workers', String(setting.workers), '--backend', given.backend],
    ...['--tables', 'none', '--out', out, '--json', '--quiet'],
  );
  const wallSeconds = (performance.now() - started) / 1000;
  rmSync(out, { recursive: true });
  const { execution, verification, projections } = JSON.parse(output) as Manifest;
  const isWhole = projections.shape[0] === setting.rows && projections.shape[1] === setting.hidden;
  if (!verification.passed || !isWhole) throw new Error(`the run ${keyOf(setting)} is not right: ${output}`);
  outcomes.get(keyOf(setting))!.push({
    wallSeconds,
    eigenbasisSeconds: execution.seconds.eigenbasis!,
    peakMemoryBytes: execution.peakMemoryBytes,
  });
  return wallSeconds;
}

async function coordinator(...args: string[]): Promise<string> {
  const command = [path.join(root, 'coordinator.js'), ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 2 ** 26 });
  return stdout;
}

function printAgainstModel(title: string, sweep: readonly Setting[]): void {
  const flops = (setting: Setting) => ({
    product: 2 * setting.rows * setting.hidden ** 2,
    eigenbasis: 9 * setting.hidden ** 3,
  });
  const largest = sweep.at(-1)!;
  const atLargest = medians(largest);
  const secondsPerFlop = {
    product: (atLargest.wall - atLargest.eigenbasis) / flops(largest).product,
    eigenbasis: atLargest.eigenbasis / flops(largest).eigenbasis,
  };
  const rate = (seconds: number) => (1 / seconds / 1e9).toFixed(1);
  console.log(
    `\n${title}: model fitted at ${largest.rows} x ${largest.hidden}, 2 V d^2 at ` +
      `${rate(secondsPerFlop.product)} GFLOP/s, 9 d^3 at ${rate(secondsPerFlop.eigenbasis)} GFLOP/s`,
  );
  console.log(
    alignedRows([
      [
        ...['V', 'd', 'workers', 'seconds, median (min to max)', 'of them eigenbasis'],
        ...['model', 'time / model', 'peak MB', 'above the first'],
      ],
      ...sweep.map((setting) => {
        const { wall, eigenbasis, peak } = medians(setting);
        const { product, eigenbasis: eigenbasisFlops } = flops(setting);
        const model = product * secondsPerFlop.product + eigenbasisFlops * secondsPerFlop.eigenbasis;
        return [
          ...[setting.rows, setting.hidden, setting.workers].map(String),
          spread(seconds(setting)),
          eigenbasis.toFixed(2),
          model.toFixed(2),
          (wall / model).toFixed(2),
          megabytes(peak),
          megabytes(peak - medians(sweep[0]!).peak),
        ];
      }),
    ]),
  );
}

function printByWorkers(): void {
  const first = medians(byWorkers[0]!);
  console.log(`\nby workers: ${byWorkers[0]!.rows} x ${hidden}`);
  console.log(
    alignedRows([
      ['workers', 'seconds, median (min to max)', 'faster than the first', 'peak MB', 'a further worker'],
      ...byWorkers.map((setting, index) => {
        const { wall, peak } = medians(setting);
        const before = byWorkers[index - 1];
        const further =
          before === undefined
            ? null
            : (peak - medians(before).peak) / Math.max(1, setting.workers - before.workers);
        return [
          String(setting.workers),
          spread(seconds(setting)),
          `${(first.wall / wall).toFixed(2)} x`,
          megabytes(peak),
          further === null ? '' : megabytes(further),
        ];
      }),
    ]),
  );
}

function medians(setting: Setting): { wall: number; eigenbasis: number; peak: number } {
  const all = outcomes.get(keyOf(setting))!;
  return {
    wall: median(seconds(setting)),
    eigenbasis: median(all.map(({ eigenbasisSeconds }) => eigenbasisSeconds)),
    peak: median(all.map(({ peakMemoryBytes }) => peakMemoryBytes)),
  };
}

function seconds(setting: Setting): number[] {
  return outcomes.get(keyOf(setting))!.map(({ wallSeconds }) => wallSeconds);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function keyOf(setting: Setting): string {
  return `${setting.rows} x ${setting.hidden}, ${setting.workers} workers`;
}

/** Directory of a setting's checkpoint, by the name that benchmarks/full-size gives it, too. */
function modelOf(setting: Setting): string {
  return path.join(root, 'data', `synthetic-${setting.rows}x${setting.hidden}`);
}

function metricRun(size: number): string {
  return path.join(scratch, `metric-${size}`);
}
