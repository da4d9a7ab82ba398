import { statSync } from 'node:fs';
import path from 'node:path';
import type { FileRecord } from '../workers/messages.js';
import { type Config, DEFAULT_RIDGE } from './config.js';
import { InputError } from './errors.js';
import { type Executor, runTasks } from './executor/executor.js';
import { fileMetadata, fingerprintOf } from './fingerprint.js';
import { type Checkpoint, openCheckpoint } from './input/checkpoint.js';
import { type Metric, readMetric } from './input/metric.js';
import { eigenbasisOfCovariance, eigenbasisOfMetric, metricOf } from './linalg/eigenbasis.js';
import { summariseSpectrum } from './linalg/spectrum.js';
import { checkArrowRows } from './output/arrow.js';
import {
  EIGENBASIS_NAME,
  readEigenbasis,
  type StoredEigenbasis,
  writeEigenbasis,
} from './output/eigenbasis-file.js';
import {
  type ExportIdentity,
  type ExportTarget,
  exportEigenbasis,
  exportTargets,
  finishProjectionsExports,
  openProjectionsExports,
  type ProjectionsExport,
  publishProjectionsExports,
  sliceRecordsOf,
  slicesOf,
} from './output/exports.js';
import type { JournalEntry } from './output/journal.js';
import { LAYOUT_VERSION, type Manifest } from './output/manifest.js';
import { METRIC_NAME, readCovariance, writeMetric } from './output/metric-file.js';
import { RunDirectory } from './output/run-directory.js';
import { syncFiles } from './output/sync-files.js';
import { filesOf, type Plan, planRun } from './plan.js';
import { computeCovariance } from './stages/covariance.js';
import { generateCheckpoint, isGenerated } from './stages/generate.js';
import { metricEpsilon } from './stages/identities.js';
import { type ProjectedPartition, projectPartitions } from './stages/projection.js';
import { type Scan, scanCheckpoint } from './stages/scan.js';
import {
  type Operator,
  type VerificationResult,
  verificationFailure,
  verifyRun,
} from './stages/verification.js';
import type { Stopwatch } from './stopwatch.js';
import { createdBy, version } from './version.js';

/** What a run needs beside its configuration. */
export interface RunContext {
  executor: Executor;
  stopwatch: Stopwatch;
  /** Shows a line to the person who watches. */
  note: (line: string) => void;
}

export interface FinishedRun {
  /** Absolute. */
  directory: string;
  manifest: Manifest;
  /** True: the same run lay there finished, and nothing was computed. */
  finishedBefore: boolean;
}

/**
 * The whole job, stage by stage: input, scan, basis, projection, verification, commit.
 * @throws InputError, RunError, VerificationError; what was computed until then stays for --resume
 */
export async function runJob(
  config: Config,
  flags: { resume: boolean; overwrite: boolean },
  context: RunContext,
): Promise<FinishedRun> {
  const started = new Date().toISOString();
  const directory = RunDirectory.open(path.resolve(outputPath(config)), flags);
  try {
    const job = await prepare(config, context);
    const finished = directory.finished(job.fingerprint);
    if (finished !== null) return { directory: directory.path, manifest: finished, finishedBefore: true };
    return await compute(job, started, directory, context);
  } finally {
    directory.close();
  }
}

/** Where a run goes when the configuration does not say: a folder named after the model. */
export function outputPath({ out, model }: Config): string {
  return out ?? path.join('runs', path.parse(path.resolve(model!)).name);
}

/** A run whose inputs have been read and checked. */
interface Job {
  config: Config;
  checkpoint: Checkpoint;
  plan: Plan;
  /** The given metric, or null where it is computed. */
  metric: Metric | null;
  /** rho; null where a given metric does not say it. */
  ridge: number | null;
  scan: Scan;
  name: string;
  fingerprint: string;
}

async function prepare(config: Config, context: RunContext): Promise<Job> {
  const checkpoint = await openInput(config, context);
  for (const note of checkpoint.notes) context.note(note);
  const { source } = checkpoint;
  const { format, partitionRows } = config;
  const plan = planRun({ rows: source.rows, hidden: source.columns, partitionRows, format });
  const metric =
    config.metric === undefined ? null : await readMetric(config.metric, { hiddenSize: source.columns });
  const ridge = ridgeOf(config, metric);
  if (metric === null) checkRank(plan, ridge!, context);
  const { first, count } = plan.partitions[0]!.rows;
  if (format !== 'parquet') checkArrowRows({ firstRow: first, rowCount: count, columns: plan.hidden });

  const scan = await context.stopwatch.time('scan', plan.rows, (advance) =>
    scanCheckpoint(context.executor, source, plan.scans, advance),
  );
  const name = config.name ?? checkpoint.model.name;
  const fingerprint = fingerprintOf({
    layout: LAYOUT_VERSION,
    model: {
      name,
      contentSha256: scan.contentSha256,
      rows: plan.rows,
      hidden: plan.hidden,
      dtype: source.dtype,
    },
    metric:
      metric === null
        ? { source: 'computed', ridge: ridge! }
        : { source: 'file', sha256: metric.sha256, ridge },
    format,
    partitionRows: plan.partitionRows,
    exports: Object.keys(config.exports).sort(),
  });
  return { config, checkpoint, plan, metric, ridge, scan, name, fingerprint };
}

async function openInput(config: Config, { executor, stopwatch, note }: RunContext): Promise<Checkpoint> {
  const { synthetic, model, tensor } = config;
  if (synthetic !== undefined) {
    const { directory, ...recipe } = synthetic;
    if (await isGenerated(directory, recipe)) note(`using the synthetic checkpoint in ${directory}`);
    else {
      await stopwatch.time(`generate ${directory}`, recipe.rows, (advance) =>
        generateCheckpoint(executor, directory, recipe, advance),
      );
    }
    return openCheckpoint(directory);
  }
  return openCheckpoint(model!, tensor === undefined ? {} : { tensor });
}

/** @throws InputError where the metric file and the option contradict each other */
function ridgeOf({ ridge }: Config, metric: Metric | null): number | null {
  if (metric === null) return ridge ?? DEFAULT_RIDGE;
  if (ridge !== undefined && metric.ridge !== null && ridge !== metric.ridge) {
    throw new InputError(
      `${metric.file}: was made with the ridge ${metric.ridge}, not ${ridge}; leave --ridge away, or correct it`,
    );
  }
  return metric.ridge ?? ridge ?? null;
}

/** V rows span at most V - 1 directions around their mean. */
function checkRank({ rows, hidden }: Plan, ridge: number, { note }: RunContext): void {
  if (rows > hidden) return;
  const reason = `${rows} rows give a covariance of rank ${rows - 1} at most, less than the hidden size ${hidden}`;
  if (ridge === 0)
    throw new InputError(`${reason}: without a ridge it has no inverse. Give a --ridge above 0`);
  note(`warning: ${reason}; in the other directions the metric is 1 / ridge = ${1 / ridge}`);
}

async function compute(
  job: Job,
  started: string,
  directory: RunDirectory,
  context: RunContext,
): Promise<FinishedRun> {
  const { config, plan, fingerprint } = job;
  const targets = exportTargets(config.exports, directory.path);
  const { header, done } = directory.begin(
    { step: 'run', fingerprint, started, exports: targets.map((target) => target.path) },
    [
      EIGENBASIS_NAME,
      ...(job.metric === null ? [METRIC_NAME] : []),
      ...plan.partitions.flatMap(filesOf),
      ...targets.map((target) => target.path),
    ],
  );
  const identity: ExportIdentity = {
    model: job.name,
    rows: plan.rows,
    hidden: plan.hidden,
    metric: config.metric ?? METRIC_NAME,
    eigenbasis: eigenbasisSource(config.exports.pt),
    fingerprint,
    date: header.started.slice(0, 10),
    createdBy,
  };
  const exports = openProjectionsExports(targets, identity);
  const proven = await provenSteps(done, plan, exports, directory, context);
  const basis = await obtainBasis(job, proven, directory, context);
  const partitions = await project(job, basis, exports, proven, directory, context);
  finishProjectionsExports(
    exports,
    partitions.map(({ index, crc32 }) => ({ rows: plan.partitions[index]!.rows, crc32 })),
    plan.hidden,
  );
  const result = await verify(job, basis, exports, partitions, directory, context);
  if (!result.verification.passed) throw verificationFailure(directory.path, result.verification);
  await context.stopwatch.time('commit', undefined, async () => {
    exportEigenbasis(targets, basis.stored, identity);
    publishProjectionsExports(exports);
  });
  const manifest = describe(job, header.started, basis, targets, exports, partitions, result, context);
  directory.commit(manifest);
  return { directory: directory.path, manifest, finishedBefore: false };
}

/** Where the basis of exported projections is to be found: as configured, or relative to the output directory. */
function eigenbasisSource(pt: Config['exports']['pt']): string {
  if (pt === undefined) return EIGENBASIS_NAME;
  return pt === true ? 'eigenbasis.pt' : pt.eigenbasis;
}

type Entry<Step extends JournalEntry['step']> = Extract<JournalEntry, { step: Step }>;

/** The steps of an interrupted run whose files are still what its journal says. */
interface ProvenSteps {
  metric: Entry<'metric'> | undefined;
  eigenbasis: Entry<'eigenbasis'> | undefined;
  /** By index; a hole is to be computed. */
  partitions: (Entry<'partition'> | undefined)[];
}

async function provenSteps(
  done: readonly JournalEntry[],
  plan: Plan,
  exports: readonly ProjectionsExport[],
  directory: RunDirectory,
  { executor, stopwatch, note }: RunContext,
): Promise<ProvenSteps> {
  const proven: ProvenSteps = { metric: undefined, eigenbasis: undefined, partitions: [] };
  if (done.length === 0) return proven;
  // A step that was redone after an earlier resume has two lines: the later one counts.
  const latest = new Map(
    done.map((entry) => [entry.step === 'partition' ? `partition ${entry.index}` : entry.step, entry]),
  );
  const entries = [...latest.values()];
  const inputs = entries.map((entry) => ({
    files: (entry.step === 'partition' ? entry.files : [entry.file]).map((file) => ({
      ...file,
      absolutePath: path.join(directory.path, file.path),
    })),
    slices:
      entry.step === 'partition'
        ? sliceRecordsOf(exports, plan.partitions[entry.index]!.rows, plan.hidden, entry.crc32)
        : [],
  }));
  await stopwatch.time('check of what is done', undefined, () =>
    runTasks(executor, 'checksum', inputs, ({ problems }, index) => {
      const entry = entries[index]!;
      for (const problem of problems) note(`${problem}: to be computed again`);
      if (problems.length > 0) return;
      if (entry.step === 'partition') proven.partitions[entry.index] = entry;
      else if (entry.step === 'metric') proven.metric = entry;
      else proven.eigenbasis = entry;
    }),
  );
  const count = proven.partitions.filter((entry) => entry !== undefined).length;
  note(`resuming: ${count} of ${plan.partitions.length} partitions are done and intact`);
  return proven;
}

/** The basis as it lies on disk, with what it diagonalises. */
interface Basis {
  stored: StoredEigenbasis;
  file: FileRecord;
  /** Record of metric.safetensors; null where the metric was given. */
  metricFile: FileRecord | null;
  operator: Operator;
}

async function obtainBasis(
  job: Job,
  proven: ProvenSteps,
  directory: RunDirectory,
  context: RunContext,
): Promise<Basis> {
  const { metric, ridge, plan } = job;
  const d = plan.hidden;
  const metadata = fileMetadata(job.fingerprint, LAYOUT_VERSION, job.name);
  let file = proven.eigenbasis?.file;
  let metricFile: FileRecord | null = null;
  let operator: Basis['operator'];

  if (metric === null) {
    if (file !== undefined && proven.metric !== undefined) {
      metricFile = proven.metric.file;
      operator = { symbol: 'C', matrix: await readCovariance(directory.path, d) };
    } else {
      const { executor, stopwatch } = context;
      const covariance = await stopwatch.time('covariance', plan.rows, (advance) =>
        computeCovariance(executor, job.checkpoint.source, plan.scans, job.scan.mean, advance),
      );
      operator = { symbol: 'C', matrix: covariance };
      const basis = await stopwatch.time('eigenbasis', undefined, () =>
        eigenbasisOfCovariance(covariance, d, ridge!),
      );
      metricFile = writeMetric(
        directory.path,
        { metric: await metricOf(basis, d), covariance, mean: job.scan.mean },
        { ...metadata, ridge: String(ridge) },
      );
      directory.record({ step: 'metric', file: metricFile });
      file = writeEigenbasis(directory.path, basis, metadata);
      directory.record({ step: 'eigenbasis', file });
    }
  } else {
    operator = { symbol: 'M', matrix: metric.matrix };
    if (file === undefined) {
      const basis = await context.stopwatch.time('eigenbasis', undefined, () =>
        eigenbasisOfMetric(metric.matrix, d, ridge),
      );
      file = writeEigenbasis(directory.path, basis, metadata);
      directory.record({ step: 'eigenbasis', file });
    }
  }
  return { stored: await readEigenbasis(directory.path, d, file), file, metricFile, operator };
}

async function project(
  job: Job,
  basis: Basis,
  exports: readonly ProjectionsExport[],
  proven: ProvenSteps,
  directory: RunDirectory,
  { executor, stopwatch }: RunContext,
): Promise<ProjectedPartition[]> {
  const { plan, checkpoint } = job;
  const partitions: (ProjectedPartition | undefined)[] = [...proven.partitions];
  const open = plan.partitions.filter(({ index }) => partitions[index] === undefined);
  const rows = open.reduce((sum, partition) => sum + partition.rows.count, 0);
  await stopwatch.time('projection', rows, (advance) =>
    projectPartitions(
      executor,
      {
        source: checkpoint.source,
        partitions: open,
        eigenvectors: basis.stored.reference,
        directory: directory.path,
        metadata: fileMetadata(job.fingerprint, LAYOUT_VERSION, job.name),
        slicesOf: (partition) => slicesOf(exports, partition.rows, plan.hidden),
      },
      (projected, partition) => {
        directory.record({ step: 'partition', ...projected });
        partitions[projected.index] = projected;
        advance(partition.rows.count);
      },
    ),
  );
  return partitions as ProjectedPartition[];
}

async function verify(
  job: Job,
  basis: Basis,
  exports: readonly ProjectionsExport[],
  partitions: readonly ProjectedPartition[],
  directory: RunDirectory,
  { executor, stopwatch }: RunContext,
): Promise<VerificationResult> {
  const { plan, metric } = job;
  const files = partitions.flatMap((partition) => partition.files.map((file) => file.path));
  const verified = stopwatch.time('verification', plan.rows, (advance) =>
    verifyRun(
      executor,
      {
        source: job.checkpoint.source,
        directory: directory.path,
        metadata: fileMetadata(job.fingerprint, LAYOUT_VERSION, job.name),
        partitions: partitions.map(({ index, files, crc32 }) => {
          const { rows, parquet, arrow } = plan.partitions[index]!;
          const record = (name: string | null) => files.find((file) => file.path === name) ?? null;
          const slices = sliceRecordsOf(exports, rows, plan.hidden, crc32);
          return { rows, parquet: record(parquet), arrow: record(arrow), slices };
        }),
        basis: basis.stored,
        operator: basis.operator,
        ridge: job.ridge,
        metric: metric === null ? { source: 'computed' } : { source: 'file', epsilon: metricEpsilon(metric) },
      },
      advance,
    ),
  );
  const [result] = await Promise.all([
    verified,
    syncFiles(files.map((file) => path.join(directory.path, file))),
  ]);
  return result;
}

function describe(
  job: Job,
  started: string,
  basis: Basis,
  targets: readonly ExportTarget[],
  exports: readonly ProjectionsExport[],
  partitions: readonly ProjectedPartition[],
  { verification, projections, norms }: VerificationResult,
  { executor, stopwatch }: RunContext,
): Manifest {
  const { config, checkpoint, plan, metric } = job;
  const { eigenvalues, covarianceEigenvalues } = basis.stored;
  const offsets = new Map(exports.map((file) => [file.path, file.layout.tensors[0]!.byteOffset]));
  return {
    format: 'eigenshard-run',
    layout: LAYOUT_VERSION,
    version,
    fingerprint: job.fingerprint,
    model: {
      name: job.name,
      path: checkpoint.path,
      tensor: checkpoint.source.tensor,
      dtype: checkpoint.source.dtype,
      rows: plan.rows,
      hidden: plan.hidden,
      contentSha256: job.scan.contentSha256,
    },
    metric: {
      source: metric === null ? 'computed' : 'file',
      path: metric === null ? METRIC_NAME : path.resolve(metric.file),
      tensor: metric === null ? 'M' : metric.tensor,
      dtype: metric?.dtype ?? 'float64',
      sha256: metric?.sha256 ?? basis.metricFile!.sha256,
      file: basis.metricFile,
      ridge: job.ridge,
      asymmetry: metric?.asymmetry ?? null,
    },
    options: {
      format: config.format,
      partitionRows: plan.partitionRows,
      exports: Object.keys(config.exports).sort(),
    },
    eigenvalues: summariseSpectrum(eigenvalues, covarianceEigenvalues),
    projections,
    norms,
    verification,
    eigenbasis: basis.file,
    partitions: partitions.map(({ index, files, crc32 }) => ({
      ...plan.partitions[index]!.rows,
      files,
      crc32,
    })),
    exports: targets.map((target) => ({
      ...target,
      bytes: statSync(target.path).size,
      byteOffset: offsets.get(target.path) ?? null,
    })),
    execution: {
      started,
      finished: new Date().toISOString(),
      workers: executor.concurrency,
      ...stopwatch.report(),
    },
  };
}
