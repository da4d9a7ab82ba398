import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freivaldsProbe } from '../checks/probe.js';
import { type Executor, runTasks } from '../executor/executor.js';
import type { WrittenFile } from '../files/file-record.js';
import type { RowSource } from '../input/checkpoint.js';
import type { BackendChoice } from '../linalg/backend/backend.js';
import { type EigenbasisOnDisk, readEigenbasis, writeEigenbasis } from '../output/eigenbasis-file.js';
import { blockColumnsOf } from '../plan/covariance-blocks.js';
import { type Partition, type PartitionFormat, PROJECTIONS_FOLDER, planRun } from '../plan/plan-run.js';
import { emptyTables, type MergedTables } from '../tables/merged-tables.js';
import { writeTables } from './write-tables.js';

/** What decides how long the tasks of a run take. */
export interface SampleShape {
  hidden: number;
  dtype: RowSource['dtype'];
  format: PartitionFormat;
  /** Tokens in each list of the tables; null where there are to be none. */
  top: number | null;
  /** Number of exports of all projections. */
  exports: number;
}

/** A run of made-up rows, of which every worker has one partition: what its stages take, the machine tells. */
export interface SampleRun {
  folder: string;
  shape: SampleShape;
  /** Rows of a partition. */
  rowsEach: number;
  source: RowSource;
  basis: EigenbasisOnDisk;
  partitions: Partition[];
  /** By partition, when they have been projected. */
  files: WrittenFile[][];
  /** By partition, whether the file cache does not hold it. */
  areUncached: boolean[];
}

/** Makes an eigenbasis for samples. */
export async function makeSampleBasis(folder: string, d: number): Promise<EigenbasisOnDisk> {
  // A product with the identity takes as long as with another basis.
  const eigenvectors = new Float64Array(d * d);
  for (let j = 0; j < d; j++) eigenvectors[j * d + j] = 1;
  const eigenvalues = Float64Array.from({ length: d }, (_, j) => 1 + j / d);
  const record = writeEigenbasis(folder, { eigenvalues, covarianceEigenvalues: null, eigenvectors }, {});
  return readEigenbasis(folder, d, record);
}

/**
 * Makes the rows of a sample.
 *
 * @param folder that is made
 * @param size rows of each partition, and their number
 */
export function makeSampleRun(
  folder: string,
  shape: SampleShape,
  basis: EigenbasisOnDisk,
  { rowsEach, workers }: { rowsEach: number; workers: number },
): SampleRun {
  const { hidden: d, dtype, format } = shape;
  for (const name of ['parquet', 'arrow'])
    mkdirSync(path.join(folder, PROJECTIONS_FOLDER, name), { recursive: true });
  const rows = rowsEach * workers;
  const source = writeRows(path.join(folder, 'rows'), { rows, columns: d, dtype });
  const { partitions } = planRun({ rows, hidden: d, partitionRows: rowsEach, format });
  return { folder, shape, rowsEach, source, basis, partitions, files: [], areUncached: [] };
}

/** Reads all rows once, as the scan of a run. */
export async function scanSample(
  { source, partitions, shape }: SampleRun,
  executor: Executor,
): Promise<void> {
  const hashRows = shape.top !== null;
  const inputs = partitions.map(({ rows }) => ({ source, rows, hashRows }));
  await runTasks(executor, 'scan', inputs, () => {});
}

/** Sums the covariance of all rows. */
export async function sumSample(
  { source, partitions, shape }: SampleRun,
  executor: Executor,
  backend: BackendChoice,
): Promise<void> {
  const mean = new Float64Array(shape.hidden);
  const columns = { first: 0, end: blockColumnsOf(shape.hidden) };
  const inputs = partitions.map(({ rows }) => ({ source, rows, columns, mean, backend }));
  await runTasks(executor, 'covariance', inputs, () => {});
}

/** Projects all rows and writes them, into exports as well. */
export async function projectSample(
  sample: SampleRun,
  executor: Executor,
  backend: BackendChoice,
): Promise<void> {
  const { folder, source, basis, partitions } = sample;
  const inputs = partitions.map(({ rows, parquet, arrow }) => ({
    source,
    rows,
    eigenvectors: basis.reference,
    backend,
    threads: 1,
    directory: folder,
    lock: null,
    parquet,
    arrow,
    metadata: {},
    durable: false,
  }));
  await runTasks(executor, 'project', inputs, ({ files, isUncached }, index) => {
    sample.files[index] = files;
    sample.areUncached[index] = isUncached;
  });
}

/** Writes the rows of all partitions into exports. */
export async function exportSample(
  { folder, partitions, shape, files }: SampleRun,
  executor: Executor,
): Promise<void> {
  const exports = Array.from({ length: shape.exports }, (_, k) => path.join(folder, `export-${k}`));
  for (const file of exports) writeFileSync(file, new Uint8Array(0));
  const inputs = partitions.map((partition, index) => ({
    ...recordedPartition(partition, files[index]!),
    hidden: shape.hidden,
    directory: folder,
    metadata: {},
    lock: null,
    slices: exports.map((file) => ({ file, byteOffset: partition.rows.first * shape.hidden * 4 })),
  }));
  await runTasks(executor, 'export', inputs, () => {});
}

function recordedPartition({ rows, parquet, arrow }: Partition, files: readonly WrittenFile[]) {
  const recorded = (name: string | null) => {
    const file = files.find((one) => one.path === name);
    return file === undefined ? null : { ...file, sha256: null };
  };
  return { rows, parquet: recorded(parquet), arrow: recorded(arrow) };
}

/** Reads all partitions again, and measures the tables. @returns the tables; null where there are to be none */
export async function verifySample(
  { folder, source, basis, partitions, shape, files, areUncached }: SampleRun,
  executor: Executor,
): Promise<MergedTables | null> {
  const { hidden, top } = shape;
  const mean = new Float64Array(hidden);
  const tables =
    top === null
      ? null
      : emptyTables(basis, mean, { rows: source.rows, top, isWeighted: false, areOfRows: false });
  const probe = freivaldsProbe(basis.eigenvectors, hidden);
  const inputs = partitions.map((partition, index) => ({
    ...recordedPartition(partition, files[index]!),
    isUncached: areUncached[index]!,
    source,
    hidden,
    directory: folder,
    metadata: {},
    eigenvalues: basis.eigenvalues,
    probe,
    summation: 'blocks' as const,
    likeEntries: 1,
    tables: tables?.settings ?? null,
  }));
  await runTasks(executor, 'verify', inputs, ({ tables: part }, index) => {
    if (part !== null) tables?.add(part, partitions[index]!.rows, index);
  });
  return tables;
}

/** Writes the tables of a sample, whose tokens have no texts. */
export async function writeSampleTables(
  { folder, source, basis }: SampleRun,
  tables: MergedTables,
): Promise<void> {
  const unknown = new Array<null>(source.rows).fill(null);
  const vocabulary = { texts: unknown, isOrphan: unknown, isSpecial: unknown, isByte: unknown, notes: [] };
  const rowHashes = BigUint64Array.from({ length: source.rows }, (_, row) => BigInt(row));
  const { eigenvalues } = basis;
  const spectrum = {
    eigenvalues,
    covarianceEigenvalues: null,
    ridge: null,
    epsilon: 0,
    projected: eigenvalues,
  };
  const target = {
    directory: folder,
    source,
    metadata: {},
    rowHashes,
    vocabulary,
    logitBias: null,
    weights: null,
  };
  await writeTables(target, () => spectrum, tables);
}

/** Numbers after which made-up rows repeat themselves: no multiple of a hidden size, so that rows differ. */
const PERIOD = 65_537;

/** Writes made-up rows, of numbers from 0.5 to 1 with a sign, as a bare array. */
function writeRows(
  file: string,
  { rows, columns, dtype }: Pick<RowSource, 'rows' | 'columns' | 'dtype'>,
): RowSource {
  const { array, bitsOf } = storage[dtype];
  const values = new array(rows * columns);
  const first = values.subarray(0, PERIOD);
  let state = 1;
  for (let k = 0; k < first.length; k++) {
    // A linear congruential generator (Numerical Recipes): any spread of numbers does.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    first[k] = bitsOf(state);
  }
  for (let done = PERIOD; done < values.length; done += PERIOD)
    values.set(first.subarray(0, values.length - done), done);
  writeFileSync(file, values);
  return { file, byteOffset: 0, rows, columns, dtype, tensor: null };
}

/** How numbers are stored: the sign, the exponent of 0.5, and random digits. */
const storage: Readonly<
  Record<
    RowSource['dtype'],
    { array: typeof Uint16Array | typeof Uint32Array; bitsOf: (random: number) => number }
  >
> = {
  float32: {
    array: Uint32Array,
    bitsOf: (random) => (random & 0x80000000) | 0x3f000000 | ((random >>> 8) & 0x7fffff),
  },
  bfloat16: {
    array: Uint16Array,
    bitsOf: (random) => ((random >>> 16) & 0x8000) | 0x3f00 | ((random >>> 8) & 0x7f),
  },
  float16: {
    array: Uint16Array,
    bitsOf: (random) => ((random >>> 16) & 0x8000) | 0x3800 | ((random >>> 8) & 0x3ff),
  },
};
