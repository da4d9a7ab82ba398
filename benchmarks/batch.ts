/**
 * A training series: a batch of many small checkpoints, metric computed, verification included, in one process with
 * one pool and one backend; beside it the same without tables, the plain alternative, a process for each checkpoint,
 * with tables and a report, and the same batch called again, when everything is finished. Checks the eigenvalues of
 * some runs against an independent eigensolver (ml-matrix) before a time is reported.
 *
 * usage: node dist/benchmarks/batch.js [--checkpoints N] [--rows N] [--hidden N] [--workers N] [--runs N] [--apart N]
 *        [--backend auto|portable|system]
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { ThreadExecutor } from '../src/executor/threads.js';
import { withStoredTensors } from '../src/formats/stored-tensors.js';
import { type Manifest, readManifest } from '../src/output/manifest.js';
import { generateCheckpoint } from '../src/run/generate-checkpoint.js';
import { alignedRows, machineLine, median, spread, wholeNumber } from './figures.js';

const { values: given } = parseArgs({
  options: {
    checkpoints: { type: 'string', default: '200' },
    rows: { type: 'string', default: '10000' },
    hidden: { type: 'string', default: '64' },
    workers: { type: 'string', default: String(availableParallelism()) },
    runs: { type: 'string', default: '3' },
    apart: { type: 'string', default: '10' },
    backend: { type: 'string', default: 'auto' },
  },
});
const checkpoints = wholeNumber(given.checkpoints);
const rows = wholeNumber(given.rows);
const hidden = wholeNumber(given.hidden);
const workers = wholeNumber(given.workers);
const rounds = wholeNumber(given.runs);
/** Checkpoints that are also run in a process each. */
const apart = Math.min(wholeNumber(given.apart), checkpoints);
const root = path.resolve(import.meta.dirname, '../..');
const scratch = path.join(root, 'runs', 'benchmark-batch');
const configFile = path.join(scratch, 'series.json');
const out = path.join(scratch, 'out');
/** Configuration of the batch without tables. */
const bareConfigFile = path.join(scratch, 'bare.json');
const bareOut = path.join(scratch, 'bare');

interface BatchResult {
  runs: { model: string; folder: string; status: string; finished_before: boolean; rows: number }[];
}

const seconds = { batch: [] as number[], bare: [] as number[], again: [] as number[], apart: [] as number[] };
let manifests: Manifest[] = [];
try {
  rmSync(scratch, { recursive: true, force: true });
  await prepare();
  for (let round = 0; round < rounds; round++) {
    for (const directory of [out, bareOut]) rmSync(directory, { recursive: true, force: true });
    seconds.bare.push(await timed(() => runBatch(bareConfigFile, false)));
    seconds.batch.push(await timed(() => runBatch(configFile, false)));
    manifests = await checkAnswers();
    seconds.again.push(await timed(() => runBatch(configFile, true)));
    seconds.apart.push(await timed(runApart));
  }
  print();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Makes the checkpoints, which thereby lie in the page cache, and the batch's configuration. */
async function prepare(): Promise<void> {
  mkdirSync(scratch, { recursive: true });
  const executor = new ThreadExecutor({ workers });
  for (let seed = 0; seed < checkpoints; seed++) {
    await generateCheckpoint(executor, modelOf(seed), { rows, hidden, seed }, () => {});
  }
  await executor.close();
  const runs = Array.from({ length: checkpoints }, (_, seed) => ({ model: modelOf(seed) }));
  const shared = { workers, backend: given.backend, runs };
  writeFileSync(configFile, JSON.stringify({ ...shared, out }));
  writeFileSync(bareConfigFile, JSON.stringify({ ...shared, out: bareOut, defaults: { tables: 'none' } }));
}

function modelOf(seed: number): string {
  return path.join(scratch, 'models', `step-${seed}`);
}

async function runBatch(file: string, finishedBefore: boolean): Promise<void> {
  const { runs } = JSON.parse(await coordinator('batch', file, '--json', '--quiet')) as BatchResult;
  const isRight = runs.every(
    (run) => run.status === 'finished' && run.finished_before === finishedBefore && run.rows === rows,
  );
  if (!isRight || runs.length !== checkpoints)
    throw new Error(`the batch is not right: ${JSON.stringify(runs)}`);
}

/** Runs the plain alternative: a process for each run. */
async function runApart(): Promise<void> {
  for (let seed = 0; seed < apart; seed++) {
    const options = ['--workers', String(workers), '--backend', given.backend, '--json', '--quiet'];
    const folder = path.join(scratch, 'apart', String(seed));
    const output = await coordinator('--model', modelOf(seed), '--out', folder, ...options);
    if (!(JSON.parse(output) as Manifest).verification.passed) throw new Error(output);
  }
  rmSync(path.join(scratch, 'apart'), { recursive: true });
}

/** Checks the eigenvalues of some runs, which have verified themselves, against another solver's of the covariance. */
async function checkAnswers(): Promise<Manifest[]> {
  const { runs } = JSON.parse(await coordinator('batch', configFile, '--json', '--quiet')) as BatchResult;
  for (const { folder } of [runs[0]!, runs[checkpoints >> 1]!, runs.at(-1)!]) {
    const directory = path.join(out, folder);
    const covariance = await withStoredTensors(path.join(directory, 'metric.safetensors'), (tensors) =>
      tensors.float64('C', [hidden, hidden]),
    );
    const reference = new EigenvalueDecomposition(Matrix.from1DArray(hidden, hidden, [...covariance]), {
      assumeSymmetric: true,
    }).realEigenvalues;
    const { minimum, maximum } = readManifest(directory).eigenvalues;
    const ridge = 1e-6;
    for (const [lambda, c] of [
      [minimum, Math.max(...reference)],
      [maximum, Math.min(...reference)],
    ] as const) {
      const deviation = Math.abs(lambda * (c + ridge) - 1);
      // A solver is off by d eps ||C||, and 1 / c by the condition number more.
      const tolerance = hidden * Number.EPSILON * (maximum / minimum);
      if (!(deviation <= tolerance)) throw new Error(`${folder}: lambda ${lambda} is off by ${deviation}`);
    }
  }
  return runs.map(({ folder }) => readManifest(path.join(out, folder)));
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

async function coordinator(...args: string[]): Promise<string> {
  const command = [path.join(root, 'coordinator.js'), ...args];
  const { stdout } = await promisify(execFile)(process.execPath, command, { maxBuffer: 2 ** 28 });
  return stdout;
}

function print(): void {
  console.log(
    `${checkpoints} checkpoints of ${rows} x ${hidden} bfloat16, metric computed, verified, ${workers} workers, ` +
      `backend ${given.backend}, ${rounds} rounds, ${machineLine()}\n`,
  );
  const line = (name: string, count: number, measured: readonly number[]) => [
    name,
    String(count),
    spread(measured),
    (count / median(measured)).toFixed(1),
  ];
  console.log(
    alignedRows([
      ['', 'runs', 'seconds, median (min to max)', 'runs/s'],
      line('one batch', checkpoints, seconds.batch),
      line('one batch, no tables', checkpoints, seconds.bare),
      line('called again, all finished', checkpoints, seconds.again),
      line('a process each', apart, seconds.apart),
    ]),
  );
  const stages = Object.keys(manifests[0]!.execution.seconds).map((stage) => {
    const milliseconds = manifests.map(({ execution }) => 1000 * execution.seconds[stage]!);
    return `${stage} ${median(milliseconds).toFixed(1)}`;
  });
  const peak = Math.max(...manifests.map(({ execution }) => execution.peakMemoryBytes));
  console.log(
    `\nmilliseconds of a run's stages, median: ${stages.join(', ')}; peak ${(peak / 1e6).toFixed(0)} MB`,
  );
}
