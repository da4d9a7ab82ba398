/**
 * The projection stage of a run beside what bounds it: reading, converting, multiplying, transposing, checksums and
 * writing of whole partitions, against the same products by the same sessions of onnxruntime with nothing around them,
 * and files of the same size with nothing around them, on all workers at once, in turn. Every partition is verified from
 * its bytes on disk.
 *
 * Memory for the written files' pages in the system's cache is claimed before each turn, see claimHostMemory.
 *
 * usage: node dist/benchmarks/projection.js [--partitions N] [--hidden N] [--workers N] [--runs N]
 */

import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { freivaldsProbe } from '../src/checks/probe.js';
import { runTasks } from '../src/executor/executor.js';
import type { ProjectInput, VerifyResult } from '../src/executor/tasks.js';
import { ThreadExecutor } from '../src/executor/threads.js';
import type { WrittenFile } from '../src/files/file-record.js';
import { openCheckpoint } from '../src/input/open-checkpoint.js';
import { portableBackend } from '../src/linalg/backend/portable-backend.js';
import { forbidTelemetry } from '../src/linalg/onnxruntime.js';
import { readEigenbasis, writeEigenbasis } from '../src/output/eigenbasis-file.js';
import { planRun } from '../src/plan/plan-run.js';
import { configDefaults } from '../src/run/config.js';
import { generateCheckpoint } from '../src/run/generate-checkpoint.js';
import { randomFloat64 } from '../test/helpers/random.js';
import { ask } from './ask.js';
import { alignedRows, machineLine, median, spread, wholeNumber } from './figures.js';
import type { ProjectionReply, ProjectionRequest } from './projection-thread.js';
import { interleave } from './rounds.js';

const { values: given } = parseArgs({
  options: {
    partitions: { type: 'string', default: '6' },
    hidden: { type: 'string', default: '2560' },
    workers: { type: 'string', default: String(availableParallelism()) },
    runs: { type: 'string', default: '5' },
  },
});
const d = wholeNumber(given.hidden);
const workers = wholeNumber(given.workers);
const runs = wholeNumber(given.runs);
const { partitionRows } = configDefaults;
const rows = wholeNumber(given.partitions) * partitionRows;
const directory = path.resolve(import.meta.dirname, '../../runs/benchmark-projection');
const metadata = { 'eigenshard.benchmark': 'projection' };

forbidTelemetry();
const threads = Array.from(
  { length: workers },
  () => new Worker(new URL('./projection-thread.js', import.meta.url)),
);
const executor = new ThreadExecutor({ workers });
try {
  rmSync(directory, { recursive: true, force: true });
  await compare();
} finally {
  await executor.close();
  await Promise.all(threads.map((thread) => thread.terminate()));
  rmSync(directory, { recursive: true, force: true });
}

async function compare(): Promise<void> {
  const { inputs, eigenvectors } = await prepare();
  // Each thread's products arrange the eigenvectors at its first call, which is not counted.
  const measured = await interleave(
    [
      { name: 'stage', run: () => stage(inputs, eigenvectors) },
      { name: 'products alone', run: async () => (await onAllThreads('products', inputs)).seconds },
      { name: 'writes alone', run: () => writes(inputs) },
    ],
    { rounds: runs, memoryBytes: 8 * rows * d * 4 },
  );
  const ofStage = measured.get('stage')!;
  const ofProducts = measured.get('products alone')!;
  const ofWrites = measured.get('writes alone')!;
  console.log(
    `projection of ${rows} x ${d} bfloat16 to Parquet, ${workers} workers at once, ${runs} interleaved runs,\n` +
      `${portableBackend.identity.library} ${portableBackend.identity.version}, ${machineLine()}\n`,
  );
  console.log(
    alignedRows([
      ['', 'seconds, median (min to max)', 'rate'],
      ['stage', spread(ofStage), productRate(ofStage)],
      ['products alone', spread(ofProducts), productRate(ofProducts)],
      ['writes alone', spread(ofWrites), `${((rows * d * 4) / median(ofWrites) / 1e9).toFixed(2)} GB/s`],
    ]),
  );
  const share = (bounds: (round: number) => number) =>
    spread(
      ofStage.map((seconds, round) => (100 * bounds(round)) / seconds),
      1,
    );
  console.log(`\nof the stage, round by round: products ${share((round) => ofProducts[round]!)} %,`);
  console.log(`products and writes ${share((round) => ofProducts[round]! + ofWrites[round]!)} %`);
}

/** Makes a checkpoint and an orthonormal basis on disk, and the tasks of a run on them. */
async function prepare(): Promise<{ inputs: ProjectInput[]; eigenvectors: Float32Array }> {
  await generateCheckpoint(executor, path.join(directory, 'model'), { rows, hidden: d, seed: 42 }, () => {});
  const { source } = await openCheckpoint(path.join(directory, 'model'));
  const random = randomFloat64(d * d, d);
  const { eigenvalues, eigenvectors } = await portableBackend.eigh(random, d);
  const basis = { eigenvalues, covarianceEigenvalues: null, eigenvectors };
  const stored = await readEigenbasis(directory, d, writeEigenbasis(directory, basis, {}));
  const { partitions } = planRun({ rows, hidden: d, partitionRows, format: 'parquet' });
  mkdirSync(path.dirname(path.join(directory, partitions[0]!.parquet!)), { recursive: true });
  const inputs = partitions.map((partition) => ({
    source,
    rows: partition.rows,
    eigenvectors: stored.reference,
    backend: portableBackend.choice,
    directory,
    lock: null,
    parquet: partition.parquet,
    arrow: null,
    threads: 1,
    durable: false,
    metadata,
  }));
  return { inputs, eigenvectors: stored.eigenvectors };
}

/** Writes files of the partitions' size, and removes them. @returns seconds of the writing */
async function writes(inputs: readonly ProjectInput[]): Promise<number> {
  const { seconds, files } = await onAllThreads('writes', inputs);
  for (const file of files) rmSync(path.join(directory, file.path));
  return seconds;
}

/** Runs the stage, and verifies what it wrote. @returns seconds of the stage */
async function stage(inputs: readonly ProjectInput[], eigenvectors: Float32Array): Promise<number> {
  const { seconds, files } = await onAllThreads('stage', inputs);
  const probe = freivaldsProbe(eigenvectors, d);
  const eigenvalues = new Float64Array(d).fill(1);
  const expected = inputs.map(({ source, rows, parquet }) => ({
    ...{ source, hidden: d, rows, directory, metadata, eigenvalues, probe, arrow: null, tables: null },
    summation: 'blocks' as const,
    likeEntries: 1,
    isUncached: false,
    parquet: { ...files.find((file) => file.path === parquet)!, sha256: null },
  }));
  await runTasks(executor, 'verify', expected, refuseWrong);
  for (const file of files) rmSync(path.join(directory, file.path));
  return seconds;
}

function refuseWrong({ problems, probe, normDifference }: VerifyResult): void {
  if (problems.length > 0) throw new Error(problems.join('; '));
  for (const { relative, tolerance } of [probe, normDifference]) {
    if (!(relative <= tolerance)) throw new Error(`projections are off by ${relative}, above ${tolerance}`);
  }
}

/** Deals the partitions to the threads and waits for all of them. */
async function onAllThreads(
  kind: ProjectionRequest['kind'],
  inputs: readonly ProjectInput[],
): Promise<{ seconds: number; files: WrittenFile[] }> {
  const started = performance.now();
  const replies = await Promise.all(
    threads.map((thread, index) => {
      const share = inputs.filter((_, partition) => partition % threads.length === index);
      return ask<ProjectionReply>(thread, { kind, inputs: share } satisfies ProjectionRequest);
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const files = replies.flatMap((reply) => {
    if ('failure' in reply) throw new Error(reply.failure);
    return reply.files;
  });
  return { seconds, files };
}

/** Rate of the products, by the median of the seconds that all take. */
function productRate(seconds: readonly number[]): string {
  return `${((2 * rows * d * d) / median(seconds) / workers / 1e9).toFixed(1)} GFLOP/s a worker`;
}
