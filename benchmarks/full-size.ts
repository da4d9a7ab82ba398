/**
 * The notebook's job at Qwen3-4B's shape: metric given, every token projected, norms checked, results saved. Runs
 * eigenshard, with its portable backend and with a system library where one is found; then, with the backend that it takes
 * by itself, with the tables of the derived geometry, and with all that it makes (tables and report). Its peers (NumPy, and
 * PyTorch where it is installed) run in turn with it, after one run each that is not counted, so that the inputs of all lie
 * in the page cache. Then with a metric that is computed, for which the peers take the covariance and its inverse in
 * float32. The peers use as many threads as there are workers. Prints stage times, rates, peak memory, ratios.
 *
 * usage: node dist/benchmarks/full-size.js [--runs N] [--rows N] [--hidden N] [--workers N]
 */
import { execFile } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { fileChunks } from '../src/formats/layout.js';
import { planNpyFile } from '../src/formats/npy-header.js';
import { withStoredTensors } from '../src/formats/stored-tensors.js';
import { backendLabel } from '../src/linalg/backend/backend.js';
import { chooseBackend } from '../src/linalg/backend/choose-backend.js';
import type { Manifest } from '../src/output/manifest.js';
import { alignedRows, machineLine, median, spread, wholeNumber } from './figures.js';
import { environmentOf, pythonWith } from './python.js';

const { values: given } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    rows: { type: 'string', default: '151936' },
    hidden: { type: 'string', default: '2560' },
    workers: { type: 'string', default: '2' },
  },
});
const runs = wholeNumber(given.runs);
const rows = wholeNumber(given.rows);
const hidden = wholeNumber(given.hidden);
const workers = wholeNumber(given.workers);
const root = path.resolve(import.meta.dirname, '../..');
const data = path.join(root, 'data');
const model = path.join(data, `synthetic-${rows}x${hidden}`);
const metric = path.join(data, `metric-${rows}x${hidden}.npy`);
const scratch = path.join(root, 'runs', 'benchmark');

const OURS = 'eigenshard';
const RIDGE = '1e-6';
const GIVEN = ['--metric', metric];

/** Options of the peers' job: they make no tables of the derived geometry, and no report. */
const JOB = ['--tables', 'none'];

interface Timed {
  /** Library with its version, and its threads. */
  description: string;
  wallSeconds: number;
  stageSeconds: Record<string, number>;
  peakMemoryBytes: number;
  largestEigenvalue: number;
  normDifference: number;
}

await prepare();
const contenders = [
  { name: OURS, run: () => runEigenshard('portable', [...GIVEN, ...JOB]) },
  ...((await hasSystemLibrary())
    ? [{ name: `${OURS}, system`, run: () => runEigenshard('system', [...GIVEN, ...JOB]) }]
    : []),
  { name: `${OURS}, tables`, run: () => runEigenshard('auto', [...GIVEN, '--no-report']) },
  { name: `${OURS}, all`, run: () => runEigenshard('auto', GIVEN) },
  { name: `${OURS}, all, computed`, run: () => runEigenshard('auto', []) },
  ...['numpy', 'torch'].flatMap((library) => {
    const interpreter = pythonWith(library);
    if (interpreter === null) return [];
    return [
      { name: library, run: () => runPeer(interpreter, library, metric) },
      { name: `${library}, computed`, run: () => runPeer(interpreter, library, RIDGE) },
    ];
  }),
];
const results = new Map<string, Timed[]>(contenders.map(({ name }) => [name, []]));
for (let round = 0; round <= runs; round++) {
  for (const { name, run } of contenders) {
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch, { recursive: true });
    const timed = await run();
    if (round > 0) results.get(name)!.push(timed);
  }
  checkAnswers();
}
rmSync(scratch, { recursive: true, force: true });
print();

async function prepare(): Promise<void> {
  const shape = ['--rows', String(rows), '--hidden', String(hidden)];
  await coordinator('generate', ...shape, '--out', model, '--quiet');
  if (existsSync(metric)) return;
  process.stderr.write('computing the metric that all contenders are given\n');
  const source = path.join(root, 'runs', 'benchmark-metric');
  await coordinator('--model', model, '--out', source, '--overwrite', '--quiet');
  const M = await withStoredTensors(path.join(source, 'metric.safetensors'), (tensors) =>
    tensors.float64('M', [hidden, hidden]),
  );
  const layout = planNpyFile('M', { dtype: 'float32', shape: [hidden, hidden] });
  const file = openSync(metric, 'w');
  for (const chunk of fileChunks(layout, [Float32Array.from(M)])) writeSync(file, chunk);
  closeSync(file);
  rmSync(source, { recursive: true });
}

async function coordinator(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    path.join(root, 'coordinator.js'),
    ...args,
  ]);
  return stdout;
}

async function runEigenshard(
  backend: 'auto' | 'portable' | 'system',
  options: readonly string[],
): Promise<Timed> {
  const started = performance.now();
  const output = await coordinator(
    ...['--model', model, '--ridge', RIDGE, '--workers', String(workers)],
    ...options,
    ...['--backend', backend, '--out', path.join(scratch, 'run'), '--json', '--quiet'],
  );
  const wallSeconds = (performance.now() - started) / 1000;
  const { execution, eigenvalues, verification } = JSON.parse(output) as Manifest;
  return {
    description: `${backendLabel(execution.kernels)}, ${workers} workers`,
    wallSeconds,
    stageSeconds: execution.seconds,
    peakMemoryBytes: execution.peakMemoryBytes,
    largestEigenvalue: eigenvalues.maximum,
    normDifference: verification.normDifference.maximum,
  };
}

/** @param source file of the metric, or the ridge of one that is computed */
async function runPeer(interpreter: string, library: string, source: string): Promise<Timed> {
  const script = path.join(root, 'benchmarks', 'notebook.py');
  const started = performance.now();
  const weights = path.join(model, 'model.safetensors');
  const { stdout } = await promisify(execFile)(interpreter, [script, library, weights, source, scratch], {
    env: environmentOf(workers),
  });
  const wallSeconds = (performance.now() - started) / 1000;
  const { seconds, version, threads, ...figures } = JSON.parse(stdout);
  return {
    description: `${library} ${version}, ${threads} threads`,
    wallSeconds,
    stageSeconds: seconds,
    ...figures,
  };
}

async function hasSystemLibrary(): Promise<boolean> {
  try {
    await chooseBackend({ backend: 'system' }, () => {});
    return true;
  } catch (error) {
    process.stderr.write(`system: ${(error as Error).message}; left out\n`);
    return false;
  }
}

/** Checks that every contender has done the same job: the same largest eigenvalue, and norms that survive. */
function checkAnswers(): void {
  const all = [...results.values()].flat();
  for (const { largestEigenvalue, normDifference } of all) {
    const relative = Math.abs(largestEigenvalue / all[0]!.largestEigenvalue - 1);
    if (relative <= 1e-3 && normDifference <= 1e-4) continue;
    throw new Error(`the answers differ: ${JSON.stringify(all, null, 2)}`);
  }
}

function print(): void {
  const ours = results.get(OURS)!;
  const wall = (timed: readonly Timed[]) => median(timed.map(({ wallSeconds }) => wallSeconds));
  const peak = (timed: readonly Timed[]) => Math.max(...timed.map(({ peakMemoryBytes }) => peakMemoryBytes));
  console.log(
    `${rows} x ${hidden} bfloat16, ${workers} workers, ${runs} interleaved runs, ${machineLine()}\n`,
  );
  console.log(
    alignedRows([
      ['', 'seconds, median (min to max)', 'eigenshard / it', 'peak MB', 'eigenshard / it'],
      ...[...results].map(([name, timed]) => [
        name,
        spread(timed.map(({ wallSeconds }) => wallSeconds)),
        (wall(ours) / wall(timed)).toFixed(2),
        (peak(timed) / 1e6).toFixed(0),
        (peak(ours) / peak(timed)).toFixed(2),
      ]),
    ]),
  );
  for (const [name, timed] of results) {
    const stages = Object.keys(timed[0]!.stageSeconds).map((stage) => {
      const seconds = median(timed.map(({ stageSeconds }) => stageSeconds[stage]!));
      return `${stage} ${seconds.toFixed(2)} s${rateOf(stage, seconds)}`;
    });
    console.log(`\n${name} (${timed[0]!.description}): ${stages.join(', ')}`);
  }
}

/** GFLOP/s of the stage that multiplies, GB/s of those that move bytes. */
function rateOf(stage: string, seconds: number): string {
  const flops = 2 * rows * hidden * hidden;
  const bytesOut = rows * hidden * 4;
  const rates: Record<string, string> = {
    projection: `${(flops / seconds / 1e9).toFixed(0)} GFLOP/s, ${(bytesOut / seconds / 1e9).toFixed(2)} GB/s written`,
    product: `${(flops / seconds / 1e9).toFixed(0)} GFLOP/s`,
    scan: `${(bytesOut / 2 / seconds / 1e9).toFixed(2)} GB/s read`,
    verification: `${((bytesOut * 1.5) / seconds / 1e9).toFixed(2)} GB/s read`,
    save: `${(bytesOut / seconds / 1e9).toFixed(2)} GB/s written`,
  };
  return stage in rates ? ` (${rates[stage]})` : '';
}
