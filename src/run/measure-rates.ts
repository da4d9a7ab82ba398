import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Executor } from '../executor/executor.js';
import { withCleanUp } from '../files/clean-up.js';
import { writeFully } from '../files/partial-file.js';
import { asOutputError } from '../files/write-error.js';
import type { Backend } from '../linalg/backend/backend.js';
import { TABLE_NAMES } from '../output/manifest.js';
import type { MergedTables } from '../tables/merged-tables.js';
import { tableBounds } from './planned-files.js';
import {
  exportSample,
  makeSampleBasis,
  makeSampleRun,
  projectSample,
  type SampleRun,
  type SampleShape,
  scanSample,
  sumSample,
  verifySample,
  writeSampleTables,
} from './sample-run.js';

/** Seconds that a worker takes for a task, and for each of its rows, while all workers are busy. */
export interface Pace {
  task: number;
  row: number;
}

/** The pace of this machine at one hidden size d. */
export interface Rates {
  /** Seconds until threads are ready for their first tasks. */
  startUp: number;
  /** By the name of the stage. */
  paces: Record<'scan' | 'covariance' | 'projection' | 'verification' | 'export', Pace>;
  /** Seconds of a product of two matrices [d, d] in float64, on all cores. */
  product: number;
  /** Seconds of an eigendecomposition of a matrix [d, d]. */
  eigh: number;
  /** Seconds of a byte of the tables, and of the report. */
  tablesPerByte: number;
  reportPerByte: number;
  /** Seconds until a byte is on the disk of temporary files. */
  syncPerByte: number;
  /** Seconds that the measurement took. */
  measuredSeconds: number;
}

/** Operations of a sample of rows in each worker: some hundredths of a second at the rates of a core of today. */
const SAMPLE_OPERATIONS = 1.5e10;
const LEAST_SAMPLE_ROWS = 256;
const MOST_SAMPLE_ROWS = 2048;

/** Sizes at which an eigendecomposition is timed: what it takes above a start grows by the cube. */
const EIGH_SIZES = [256, 768] as const;

/** Rows of a product that stands for d of them. */
const PRODUCT_ROWS = 64;

/** Bytes that are written and waited for. */
const SYNCED_BYTES = 8 * 2 ** 20;

/** Bytes that are compressed. */
const COMPRESSED_BYTES = 2 ** 20;

/**
 * Measures the pace of this machine by the tasks of a run themselves, on all workers at once, on made-up rows of the run's
 * hidden size in the folder for temporary files.
 *
 * @param run V, and whether the metric is computed of the rows
 */
export async function measureRates(
  shape: SampleShape,
  run: { rows: number; computesMetric: boolean },
  backend: Backend,
  executor: Executor,
): Promise<Rates> {
  const started = performance.now();
  const folder = temporaryFolder();
  return withCleanUp(
    async () => {
      const wanted = Math.ceil(SAMPLE_OPERATIONS / (2 * shape.hidden ** 2));
      const bounded = Math.max(LEAST_SAMPLE_ROWS, Math.min(MOST_SAMPLE_ROWS, wanted));
      const rows = Math.min(bounded, Math.ceil(run.rows / executor.concurrency));
      const basis = await makeSampleBasis(folder, shape.hidden);
      const workers = executor.concurrency;
      const sample = (name: string, rowsEach: number) =>
        makeSampleRun(path.join(folder, name), shape, basis, { rowsEach, workers });
      const samples = {
        small: sample('small', Math.ceil(rows / 4)),
        large: sample('large', rows),
      };
      const tasks = await measureTasks(samples, run.computesMetric, backend, executor);
      const product = await measureProduct(shape.hidden, backend);
      const eigh = await measureEigh(shape.hidden, backend);
      const syncPerByte = measureSync(path.join(folder, 'synced'));
      return { ...tasks, product, eigh, syncPerByte, measuredSeconds: secondsSince(started) };
    },
    () => rmSync(folder, { recursive: true, force: true }),
  );
}

function temporaryFolder(): string {
  const root = tmpdir();
  try {
    return mkdtempSync(path.join(root, 'eigenshard-dry-run-'));
  } catch (error) {
    throw asOutputError(error, root);
  }
}

/** Times the tasks of scan, covariance, projection, verification and export, and the tables. */
async function measureTasks(
  { small, large }: { small: SampleRun; large: SampleRun },
  computesMetric: boolean,
  { choice }: Backend,
  executor: Executor,
): Promise<Pick<Rates, 'startUp' | 'paces' | 'tablesPerByte' | 'reportPerByte'>> {
  let startUp = 0;
  const paceOf = async (work: (sample: SampleRun) => Promise<unknown>): Promise<Pace> => {
    // The first time, code is loaded and memory grows to what the task needs.
    const cold = await secondsOf(() => work(large));
    const less = await secondsOf(() => work(small));
    const more = await secondsOf(() => work(large));
    startUp += Math.max(0, cold - more);
    const row = (more - less) / (large.rowsEach - small.rowsEach);
    // Noise may make the larger sample the faster one, or there is one size alone: then the rows take all of it.
    if (!(row > 0 && row < Number.POSITIVE_INFINITY)) return { task: 0, row: more / large.rowsEach };
    return { task: Math.max(0, more - row * large.rowsEach), row };
  };
  const scan = await paceOf((sample) => scanSample(sample, executor));
  const covariance = computesMetric
    ? await paceOf((sample) => sumSample(sample, executor, choice))
    : { task: 0, row: 0 };
  const projection = await paceOf((sample) => projectSample(sample, executor, choice));
  let tables: MergedTables | null = null;
  const verification = await paceOf(async (sample) => {
    tables = await verifySample(sample, executor);
  });
  const exported =
    large.shape.exports > 0 ? await paceOf((sample) => exportSample(sample, executor)) : { task: 0, row: 0 };
  const paces = { scan, covariance, projection, verification, export: exported };
  return { startUp, paces, ...(await measureTables(large, tables)) };
}

async function measureTables(
  sample: SampleRun,
  tables: MergedTables | null,
): Promise<Pick<Rates, 'tablesPerByte' | 'reportPerByte'>> {
  if (tables === null) return { tablesPerByte: 0, reportPerByte: 0 };
  const seconds = await secondsOf(() => writeSampleTables(sample, tables));
  const { top } = tables.settings;
  const size = { rows: sample.source.rows, hidden: sample.shape.hidden };
  const bounds = Object.values(tableBounds({ tables: 'all', top, report: false }, size));
  const page = readFileSync(path.join(sample.folder, TABLE_NAMES.tokens)).subarray(0, COMPRESSED_BYTES);
  const compressed = await secondsOf(async () => gzipSync(page));
  return {
    tablesPerByte: seconds / bounds.reduce((sum, bytes) => sum + bytes, 0),
    reportPerByte: compressed / page.length,
  };
}

async function measureProduct(d: number, backend: Backend): Promise<number> {
  const rows = Math.min(PRODUCT_ROWS, d);
  const product = await backend.product(availableParallelism());
  const matrix = (count: number) => ({
    values: new Float64Array(count * d).fill(0.5),
    rows: count,
    columns: d,
  });
  const [a, b, out] = [matrix(rows), matrix(d), matrix(rows)];
  await product.multiply(a, b, out);
  const seconds = await secondsOf(() => product.multiply(a, b, out));
  await product.release();
  return (seconds * d) / rows;
}

async function measureEigh(d: number, backend: Backend): Promise<number> {
  const time = (n: number) => secondsOf(() => backend.eigh(distinctMatrix(n), n));
  const [small, large] = EIGH_SIZES;
  if (d <= small) {
    await time(d);
    return time(d);
  }
  const size = Math.min(d, large);
  await time(small);
  const [less, more] = [await time(small), await time(size)];
  const cubic = (more - less) / (size ** 3 - small ** 3);
  return cubic > 0 ? more + cubic * (d ** 3 - size ** 3) : more * (d / size) ** 3;
}

/** A symmetric matrix [n, n] with eigenvalues near 0, 1, 2, ... */
function distinctMatrix(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return 1 / (i + j + 1) + (i === j ? i : 0);
  });
}

function measureSync(file: string): number {
  const descriptor = openSync(file, 'w');
  try {
    const started = performance.now();
    writeFully(descriptor, new Uint8Array(SYNCED_BYTES).fill(1), null, file);
    fsyncSync(descriptor);
    return secondsSince(started) / SYNCED_BYTES;
  } finally {
    closeSync(descriptor);
  }
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return secondsSince(started);
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
