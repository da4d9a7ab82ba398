import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { metricEpsilon } from '../checks/identities.js';
import { syncFiles } from '../files/sync-files.js';
import { TABLE_NAMES } from '../formats/parquet-table.js';
import { parseHubReference } from '../hub/reference.js';
import type { Checkpoint } from '../input/checkpoint.js';
import { type DenseKernels, describeKernels } from '../linalg/backend/backend.js';
import { chooseKernels } from '../linalg/backend/choose-backend.js';
import { rowTimesMatrix } from '../linalg/row-times-matrix.js';
import { EIGENBASIS_NAME } from '../output/eigenbasis-file.js';
import {
  type ExportTarget,
  exportEigenbasis,
  exportTargets,
  finishProjectionsExports,
  openExports,
  type ProjectionsExport,
  publishProjectionsExports,
  sliceRecordsOf,
  slicesOf,
} from '../output/exports.js';
import { LAYOUT_VERSION, type Manifest, REPORT_NAME, type RunResults } from '../output/manifest.js';
import { METRIC_NAME } from '../output/metric-file.js';
import { RunDirectory } from '../output/run-directory.js';
import { filesOf } from '../plan/plan-run.js';
import { writeReport } from '../report/write-report.js';
import { MergedTables } from '../tables/merged-tables.js';
import { summariseSpectrum } from '../tables/spectrum.js';
import { version } from '../version.js';
import { type Basis, obtainBasis } from './basis.js';
import type { Config } from './config.js';
import type { RunContext } from './context.js';
import { fileMetadata } from './fingerprint.js';
import { type ProvenSteps, provenSteps } from './intact-units.js';
import { refuseFailed, type VerificationResult, verifyRun } from './judge-run.js';
import { exportIdentity } from './planned-files.js';
import { type Job, prepareJob } from './prepare-run.js';
import { type ProjectedPartition, projectPartitions } from './projection.js';
import { tableSettings, writeTables } from './write-tables.js';

export interface FinishedRun {
  /** Absolute. */
  directory: string;
  manifest: Manifest;
  /** True: the same run lay there finished, and nothing was computed. */
  finishedBefore: boolean;
}

/**
 * The whole job, stage by stage: input, scan, basis, projection, verification, commit.
 * @param given what the caller has already, and uses for several runs or has brought from elsewhere
 * @throws InputError, RunError, VerificationError; what was computed until then stays for --resume
 */
export async function runJob(
  config: Config,
  flags: { resume: boolean; overwrite: boolean },
  context: RunContext,
  given: { kernels?: DenseKernels; checkpoint?: Checkpoint } = {},
): Promise<FinishedRun> {
  const started = new Date().toISOString();
  const directory = RunDirectory.open(path.resolve(outputPath(config)), flags);
  try {
    const kernels = given.kernels ?? (await kernelsOf(config, directory, context));
    const job = await prepareJob(config, kernels, context, given.checkpoint);
    const finished = directory.finished(job.fingerprint);
    if (finished !== null) return { directory: directory.path, manifest: finished, finishedBefore: true };
    return await compute(job, started, directory, context);
  } finally {
    directory.close();
  }
}

async function kernelsOf(
  { backend, blas }: Config,
  directory: RunDirectory,
  { note }: RunContext,
): Promise<DenseKernels> {
  const kernels = await chooseKernels({ backend, blas, recorded: directory.unfinishedKernels() }, note);
  note(`kernels: ${describeKernels(kernels.identity)}`);
  return kernels;
}

/** Where a run goes when the configuration does not say: a folder named after the model. */
export function outputPath({ out, model }: Config): string {
  if (out !== undefined) return out;
  const reference = existsSync(model!) ? null : parseHubReference(model!);
  if (reference === null) return path.join('runs', path.parse(path.resolve(model!)).name);
  const revision = reference.revision === null ? '' : `@${reference.revision.replaceAll('/', '-')}`;
  return path.join('runs', `${path.basename(reference.repository)}${revision}`);
}

/** Where `verify` finds the model again; what lies in a cache may be gone from there by then. */
function placeOf({ path: directory, origin }: Checkpoint): string {
  return origin === null ? directory : `${origin.repository}@${origin.commit}`;
}

async function compute(
  job: Job,
  started: string,
  directory: RunDirectory,
  context: RunContext,
): Promise<FinishedRun> {
  const { config, plan, fingerprint } = job;
  const kernels = job.kernels.identity;
  const targets = exportTargets(config.exports, directory.path);
  const tableNames =
    config.tables === 'none' ? [] : [...Object.values(TABLE_NAMES), ...(config.report ? [REPORT_NAME] : [])];
  const { header, done } = directory.begin(
    {
      step: 'run',
      fingerprint,
      started,
      exports: targets.map((target) => target.path),
      tables: tableNames,
      kernels,
    },
    [
      EIGENBASIS_NAME,
      ...(job.metric === null ? [METRIC_NAME] : []),
      ...plan.partitions.flatMap(filesOf),
      ...tableNames,
      ...targets.map((target) => target.path),
    ],
  );
  const identity = exportIdentity({ config, plan, name: job.name, fingerprint, started: header.started });
  const exports = openExports(targets, identity);
  const proven = await provenSteps(done, plan, exports, directory, context);
  const basis = await obtainBasis(job, proven, directory, context);
  // Before the work that would rest on it.
  refuseFailed(directory.path, basis.check.checks);
  const partitions = await project(job, basis, exports, proven, directory, context);
  finishProjectionsExports(
    exports,
    partitions.map(({ index, crc32 }) => ({ rows: plan.partitions[index]!.rows, crc32 })),
    plan.hidden,
  );
  const merged = mergedTables(job, basis);
  const result = await verify(job, basis, exports, partitions, merged, directory, context);
  refuseFailed(directory.path, result.verification.checks);
  const tables = merged === null ? null : await writeRunTables(job, basis, merged, directory, context);
  await context.stopwatch.time('commit', undefined, async () => {
    exportEigenbasis(targets, basis.stored, identity);
    publishProjectionsExports(exports);
  });
  const results = describe(job, basis, targets, exports, partitions, result, tables);
  const report = await writeRunReport(config, results, directory, context);
  const manifest = { ...results, report, execution: describeExecution(job, header.started, context) };
  directory.commit(manifest);
  return { directory: directory.path, manifest, finishedBefore: false };
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
        kernels: job.kernels.choice,
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

/** Tables to be filled by the verification; null where none are wanted. */
function mergedTables({ config, plan, scan }: Job, { stored }: Basis): MergedTables | null {
  if (config.tables === 'none') return null;
  const { eigenvalues, eigenvectors } = stored;
  const means = rowTimesMatrix(scan.mean, eigenvectors);
  const settings = tableSettings(eigenvalues, means, { rows: plan.rows, top: config.top });
  return new MergedTables(plan.rows, settings, eigenvalues);
}

async function writeRunTables(
  { checkpoint, scan, fingerprint, name }: Job,
  { stored }: Basis,
  merged: MergedTables,
  directory: RunDirectory,
  { stopwatch }: RunContext,
): Promise<Manifest['tables']> {
  return stopwatch.time('tables', undefined, () =>
    writeTables(merged, {
      directory: directory.path,
      checkpoint: checkpoint.path,
      source: checkpoint.source,
      rowHashes: scan.rowHashes!,
      basis: stored,
      metadata: fileMetadata(fingerprint, LAYOUT_VERSION, name),
    }),
  );
}

async function writeRunReport(
  config: Config,
  results: RunResults,
  directory: RunDirectory,
  { stopwatch }: RunContext,
): Promise<Manifest['report']> {
  if (results.tables === null || !config.report) return null;
  return stopwatch.time('report', undefined, () => writeReport(directory.path, results));
}

async function verify(
  job: Job,
  basis: Basis,
  exports: readonly ProjectionsExport[],
  partitions: readonly ProjectedPartition[],
  tables: MergedTables | null,
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
          const record = (name: string | null) => {
            const file = files.find(({ path: written }) => written === name);
            return file === undefined ? null : { ...file, sha256: null };
          };
          const slices = sliceRecordsOf(exports, rows, plan.hidden, crc32);
          return { rows, parquet: record(parquet), arrow: record(arrow), slices };
        }),
        basis: basis.stored,
        basisCheck: basis.check,
        ridge: job.ridge,
        metric: metric === null ? { source: 'computed' } : { source: 'file', epsilon: metricEpsilon(metric) },
        tables,
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
  basis: Basis,
  targets: readonly ExportTarget[],
  exports: readonly ProjectionsExport[],
  partitions: readonly ProjectedPartition[],
  { verification, projections, norms, files }: VerificationResult,
  tables: Manifest['tables'],
): RunResults {
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
      path: placeOf(checkpoint),
      revision: checkpoint.model.revision,
      origin: checkpoint.origin,
      tensor: checkpoint.source.tensor,
      dtype: checkpoint.source.dtype,
      rows: plan.rows,
      hidden: plan.hidden,
      contentSha256: job.scan.contentSha256,
      normalisation: checkpoint.normalisation,
      notes: job.notes,
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
      rows: config.rows,
      format: config.format,
      partitionRows: plan.partitionRows,
      exports: Object.keys(config.exports).sort(),
    },
    eigenvalues: summariseSpectrum(eigenvalues, covarianceEigenvalues),
    projections,
    norms,
    verification,
    eigenbasis: basis.file,
    partitions: partitions.map(({ index, crc32 }) => ({
      ...plan.partitions[index]!.rows,
      files: files[index]!,
      crc32,
    })),
    tables,
    exports: targets.map((target) => ({
      ...target,
      bytes: statSync(target.path).size,
      byteOffset: offsets.get(target.path) ?? null,
    })),
  };
}

function describeExecution(
  { kernels }: Job,
  started: string,
  { executor, stopwatch }: RunContext,
): Manifest['execution'] {
  return {
    started,
    finished: new Date().toISOString(),
    workers: executor.concurrency,
    kernels: kernels.identity,
    ...stopwatch.report(),
  };
}
